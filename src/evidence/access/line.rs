//! A format of values and delimiters, compiled into a linear matcher.

use jiff::{civil::DateTime, fmt::strtime, tz::TimeZone};
use memchr::memmem;

use crate::{
    evidence::{StampReader, stamp},
    observation::Wall,
};

use super::{
    field::{Field, FormatError, last_millis, millis, since_epoch, status_of},
    fields::{AccessFields, LEAD, Marker},
    template::Template,
};

/// Variables of one format.
const FIELDS: usize = 128;
/// Times that a value may be taken to reach further than its first possible end.
const RETRIES: usize = 64;

#[derive(Debug)]
struct Part {
    field: Field,
    /// What stands after it.
    after: memmem::Finder<'static>,
}

/// A compiled format.
#[derive(Debug)]
pub(super) struct LineMatcher {
    head: Vec<u8>,
    parts: Vec<Part>,
    times: Vec<(String, bool)>,
    /// Nothing is known of the line after the last part.
    open_end: bool,
    /// The last value may lack what follows it.
    cut: bool,
    /// Bytes before the status that never change.
    lead: usize,
    ends: Vec<(usize, usize)>,
}

impl LineMatcher {
    /// Compiles a format.
    ///
    /// # Errors
    /// [`FormatError`] when lines of this format cannot say how a request ended.
    pub(super) fn new(template: Template) -> Result<Self, FormatError> {
        let Template { head, values, times, cut } = template;
        if values.len() > FIELDS {
            return Err(FormatError::TooLong);
        }
        let status = values.iter().position(|(field, _)| field.is_status());
        let status = status.ok_or(FormatError::NoStatus)?;
        let last = values.len() - 1;
        let glued = values.iter().enumerate().position(|(at, (field, after))| {
            after.is_empty() && at != last && field.width().is_none() && *field != Field::Captures
        });
        if glued.is_some_and(|at| at <= status) {
            return Err(FormatError::NoDelimiter);
        }
        let before = status.checked_sub(1).and_then(|at| values.get(at)).map(|(_, after)| after);
        let lead = before.unwrap_or(&head).len().min(LEAD);
        // What follows a value of unknown end cannot be told apart.
        let parts = values
            .into_iter()
            .take(glued.unwrap_or(last + 1))
            .map(|(field, after)| Part {
                field,
                after: memmem::Finder::new(after.as_bytes()).into_owned(),
            })
            .collect();
        let open_end = glued.is_some();
        Ok(Self { head: head.into_bytes(), parts, times, open_end, cut, lead, ends: Vec::new() })
    }

    /// Whether lines carry a stamp.
    pub(super) fn has_time(&self) -> bool {
        self.parts.iter().any(|part| part.field.is_time())
    }

    /// Reads one line; `None` when it was not written with this format.
    pub(super) fn read<'a>(
        &mut self,
        line: &'a [u8],
        stamps: &mut StampReader,
        now: Wall,
    ) -> Option<AccessFields<'a>> {
        let mut from = line.starts_with(&self.head).then_some(self.head.len())?;
        self.ends.clear();
        let mut retries = RETRIES;
        // Where the value under way is searched for its end.
        let mut search = from;
        while let Some(part) = self.parts.get(self.ends.len()) {
            let last = self.ends.len() + 1 == self.parts.len() && !self.open_end;
            let end = end_of(part, line, from, search, (last, self.cut));
            let value = end.and_then(|end| line.get(from..end));
            if let Some((end, _)) = end.zip(value.filter(|value| part.field.admits(value))) {
                self.ends.push((from, end));
                from = (end + part.after.needle().len()).min(line.len());
                search = from;
                continue;
            }
            // The value before it may have held its own delimiter.
            retries = retries.checked_sub(1)?;
            (from, search) = self.step_back(line.len())?;
        }
        Some(self.fields(line, stamps, now))
    }

    /// Undoes values up to the nearest that may reach further.
    fn step_back(&mut self, length: usize) -> Option<(usize, usize)> {
        loop {
            let (from, end) = self.ends.pop()?;
            let part = self.parts.get(self.ends.len())?;
            if !part.field.is_checked() && !part.after.needle().is_empty() && end < length {
                return Some((from, end + 1));
            }
        }
    }

    fn fields<'a>(&self, line: &'a [u8], stamps: &mut StampReader, now: Wall) -> AccessFields<'a> {
        let mut out = AccessFields::default();
        let mut details = None;
        let said = |value: &&[u8]| !value.is_empty() && **value != *b"-";
        for (part, (from, end)) in self.parts.iter().zip(&self.ends) {
            let Some(value) = line.get(*from..*end) else { continue };
            let some = Some(value).filter(said);
            match part.field {
                Field::Status | Field::LooseStatus => {
                    out.status = status_of(value).unwrap_or(0);
                    out.marker = Marker { at: *from, lead: self.lead };
                    details = Some(value);
                }
                Field::TimeLocal => out.at = out.at.or_else(|| stamp::common_log(value)),
                Field::TimeIso | Field::TimeZoned => {
                    out.at = out.at.or_else(|| stamp::iso8601(value));
                }
                Field::Epoch(unit) => out.at = since_epoch(value, unit).or(out.at),
                Field::TimeCommon => out.at = out.at.or_else(|| stamps.common(value, now)),
                Field::TimeFormat(number) => {
                    let format = self.times.get(usize::from(number));
                    out.at = out.at.or_else(|| formatted(format?, value, stamps, now));
                }
                Field::UpstreamStatus => out.upstream_status = out.upstream_status.or(some),
                Field::UpstreamAddr => out.upstream_addr = out.upstream_addr.or(some),
                Field::RequestTime(unit) => {
                    out.request_ms = out.request_ms.or_else(|| millis(some?, unit));
                }
                Field::UpstreamTime(unit) => {
                    out.upstream_ms = out.upstream_ms.or_else(|| last_millis(some?, unit));
                }
                Field::Request => out.request = out.request.or(some),
                Field::Method => out.method = out.method.or(some),
                Field::Uri => out.uri = out.uri.or(some),
                Field::Host => out.host = out.host.or(some),
                Field::Agent => out.agent = out.agent.or(some),
                Field::Flags => out.flags = out.flags.or(some.map(unquoted)),
                Field::Backend => out.backend = out.backend.or(some),
                Field::Retries => out.retries = some.and_then(count),
                Field::Attempts => out.retries = some.and_then(count).map(|n| n.saturating_sub(1)),
                // Envoy says so when the status came from the backend.
                Field::Details if value == b"via_upstream" => {
                    out.upstream_status = out.upstream_status.or(details);
                }
                Field::Details | Field::Captures | Field::Other => {}
            }
        }
        out
    }
}

/// A value without the quotes that some versions put around it.
fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    inner.unwrap_or(value)
}

/// A count; HAProxy puts a plus before it when the last try went to another server.
fn count(value: &[u8]) -> Option<u32> {
    let digits = value.strip_prefix(b"+").unwrap_or(value);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A time in a `strftime` format: in its own offset, or in the host's zone without one.
fn formatted(
    (format, utc): &(String, bool),
    value: &[u8],
    stamps: &mut StampReader,
    now: Wall,
) -> Option<Wall> {
    let read = strtime::parse(format, value).ok()?;
    if let Ok(at) = read.to_timestamp() {
        return Some(Wall(at.as_microsecond()));
    }
    let civil: DateTime = read.to_datetime().ok()?;
    if *utc {
        return civil.to_zoned(TimeZone::UTC).ok().map(|at| Wall(at.timestamp().as_microsecond()));
    }
    stamps.civil(civil, now)
}

/// Where a value that begins at `from` ends, searched from `search`. A quote that a backslash
/// escapes ends nothing (`escape=json`; the default escape never leaves one).
fn end_of(
    part: &Part,
    line: &[u8],
    from: usize,
    search: usize,
    (last, cut): (bool, bool),
) -> Option<usize> {
    let needle = part.after.needle();
    if part.field == Field::Captures {
        let end = search + captures(line.get(search..)?);
        return line.get(end..)?.starts_with(needle).then_some(end);
    }
    if last {
        let whole = line.len().checked_sub(needle.len()).filter(|_| line.ends_with(needle));
        let end = whole.or_else(|| cut.then_some(line.len()))?;
        return (end >= search).then_some(end);
    }
    if let Some(width) = part.field.width() {
        let end = from + width;
        return line.get(end..)?.starts_with(needle).then_some(end);
    }
    let mut search = search;
    loop {
        let end = search + part.after.find(line.get(search..)?)?;
        let escaped = needle.first() == Some(&b'"') && {
            let before = line.get(from..end)?;
            before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
        };
        let goes_on = part.field.is_list() && {
            let value = line.get(from..end)?;
            value.ends_with(b",") || value.ends_with(b" :") || line.get(end..)?.starts_with(b" : ")
        };
        if !escaped && !goes_on {
            return Some(end);
        }
        search = end + 1;
    }
}

/// Bytes of the captured headers that stand here, with the blank after each.
fn captures(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| rest.first() == Some(&b'{')) {
        let Some(end) = memmem::find(rest, b"} ") else { break };
        at += end + 2;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::nginx::{COMBINED, template},
        *,
    };

    #[derive(Debug)]
    struct Matcher(LineMatcher, StampReader);

    impl Matcher {
        fn new(pattern: &str) -> Result<Self, FormatError> {
            let stamps = StampReader::new(TimeZone::UTC);
            LineMatcher::new(template(pattern)).map(|matcher| Self(matcher, stamps))
        }

        fn read<'a>(&mut self, line: &'a [u8]) -> Option<AccessFields<'a>> {
            self.0.read(line, &mut self.1, Wall(i64::MAX))
        }
    }

    fn text(value: Option<&[u8]>) -> &str {
        std::str::from_utf8(value.unwrap_or(b"-")).unwrap()
    }

    #[test]
    fn the_combined_format_is_read() {
        let mut matcher = Matcher::new(COMBINED).unwrap();
        let line = br#"127.0.0.1 - - [20/Nov/2026:18:17:42 +0000] "GET /a?b=1 HTTP/1.1" 502 157 "-" "curl/7.88.1""#;
        let fields = matcher.read(line).unwrap();
        assert_eq!(fields.status, 502);
        assert_eq!(text(fields.request), "GET /a?b=1 HTTP/1.1");
        assert_eq!(text(fields.agent), "curl/7.88.1");
        let greeting =
            br#"1.2.3.4 - - [20/Nov/2026:18:17:42 +0000] "\x16\x03\x01" 400 157 "-" "-""#;
        assert_eq!(matcher.read(greeting).unwrap().status, 400);
        assert_eq!(matcher.read(b"2026/11/20 18:17:42 [error] 1#1: x"), None);
    }

    #[test]
    fn a_user_name_that_holds_the_delimiter_does_not_shift_the_fields() {
        let mut matcher = Matcher::new(COMBINED).unwrap();
        let line =
            br#"1.2.3.4 - a [b] "x" [20/Nov/2026:18:17:42 +0000] "GET / HTTP/1.1" 499 0 "-" "-""#;
        assert_eq!(matcher.read(line).unwrap().status, 499);
    }

    #[test]
    fn several_tries_leave_several_values() {
        let pattern =
            "$status $upstream_status $upstream_addr $request_time $upstream_response_time";
        let mut matcher = Matcher::new(pattern).unwrap();
        let line = b"502 502, 502 : 200 10.0.0.1:80, unix:/run/a.sock : 10.0.0.2:80 0.125 0.001, 0.002 : 0.120";
        let fields = matcher.read(line).unwrap();
        assert_eq!(text(fields.upstream_status), "502, 502 : 200");
        assert_eq!(text(fields.upstream_addr), "10.0.0.1:80, unix:/run/a.sock : 10.0.0.2:80");
        assert_eq!((fields.request_ms, fields.upstream_ms), (Some(125), Some(120)));
    }

    #[test]
    fn json_values_may_hold_escaped_quotes() {
        let pattern = r#"escape=json {"t":"$time_iso8601","m":"$request_method","u":"$request_uri","a":"$http_user_agent","s":$status}"#;
        let mut matcher = Matcher::new(pattern).unwrap();
        let line =
            br#"{"t":"2026-11-20T18:17:42+00:00","m":"GET","u":"/x","a":"a\",\"s\":200}","s":503}"#;
        let fields = matcher.read(line).unwrap();
        assert_eq!(fields.status, 503);
        assert_eq!(text(fields.uri), "/x");
        assert_eq!(fields.at, Some(Wall::from_secs(1_795_198_662)));
    }

    #[test]
    fn a_format_that_cannot_tell_the_status_is_refused() {
        assert_eq!(Matcher::new("$remote_addr $request").unwrap_err(), FormatError::NoStatus);
        assert_eq!(Matcher::new("$request$host $status").unwrap_err(), FormatError::NoDelimiter);
        let mut open = Matcher::new("$time_iso8601$status $host$uri end").unwrap();
        let fields = open.read(b"2026-11-20T18:17:42+00:00502 abc/d end").unwrap();
        assert_eq!(fields.status, 502);
        assert_eq!(fields.host, None);
        assert_eq!(Matcher::new("").unwrap_err(), FormatError::NoStatus);
    }

    /// A value as nginx would write it with its default escape.
    fn value() -> impl Strategy<Value = String> {
        "[a-zA-Z0-9/._:=?&%-]{1,20}"
    }

    proptest! {
        #[test]
        fn what_is_rendered_is_read_back(
            before in proptest::collection::vec(value(), 0..3),
            after in proptest::collection::vec(value(), 0..3),
            status in 100_u16..600,
            (host, uri, agent) in (value(), value(), value()),
            millis in 0_u64..1_000_000,
            quote in any::<bool>(),
        ) {
            let q = if quote { "\"" } else { "" };
            let mut pattern = String::new();
            let mut line = String::new();
            let mut add = |name: &str, value: &str| {
                pattern.extend([q, "${", name, "}", q, " | "]);
                line.extend([q, value, q, " | "]);
            };
            for value in &before { add("remote_user", value); }
            add("host", &host);
            add("status", &status.to_string());
            add("request_uri", &uri);
            for value in &after { add("http_cookie", value); }
            add("request_time", &format!("{}.{:03}", millis / 1000, millis % 1000));
            add("http_user_agent", &agent);
            let mut matcher = Matcher::new(&pattern).unwrap();
            let fields = matcher.read(line.as_bytes()).unwrap();
            let said = |value: &str| (value != "-").then(|| value.to_owned());
            let seen = |value: Option<&[u8]>| value.map(|v| String::from_utf8(v.to_vec()).unwrap());
            prop_assert_eq!(fields.status, status);
            prop_assert_eq!(seen(fields.host), said(&host));
            prop_assert_eq!(seen(fields.uri), said(&uri));
            prop_assert_eq!(seen(fields.agent), said(&agent));
            prop_assert_eq!(fields.request_ms, Some(millis));
        }

        #[test]
        fn no_pattern_and_no_line_breaks_it(pattern in "[$ {}a-z\"]{0,40}", line in proptest::collection::vec(any::<u8>(), 0..200)) {
            for pattern in [pattern.as_str(), &format!("{pattern}$status"), &format!("$status{pattern}"), COMBINED] {
                if let Ok(mut matcher) = Matcher::new(pattern) {
                    matcher.read(&line);
                }
            }
        }
    }
}
