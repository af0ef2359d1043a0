//! An access log's `log_format`, compiled into a linear matcher
//! (<https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format>).

use memchr::memmem;

use crate::observation::Wall;

use super::stamp;

/// Variables of one format.
const FIELDS: usize = 128;
/// Times that a value may be taken to reach further than its first possible end.
const RETRIES: usize = 64;

/// The variables that mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Status,
    UpstreamStatus,
    UpstreamAddr,
    RequestTime,
    UpstreamTime,
    Request,
    Method,
    Uri,
    Host,
    TimeLocal,
    TimeIso,
    Msec,
    Agent,
    Other,
}

impl Field {
    fn of(name: &str) -> Self {
        match name {
            "status" => Self::Status,
            "upstream_status" => Self::UpstreamStatus,
            "upstream_addr" => Self::UpstreamAddr,
            "request_time" => Self::RequestTime,
            "upstream_response_time" => Self::UpstreamTime,
            "request" => Self::Request,
            "request_method" => Self::Method,
            "uri" | "request_uri" | "document_uri" => Self::Uri,
            "host" | "http_host" | "server_name" => Self::Host,
            "time_local" => Self::TimeLocal,
            "time_iso8601" => Self::TimeIso,
            "msec" => Self::Msec,
            "http_user_agent" => Self::Agent,
            _ => Self::Other,
        }
    }

    /// Length of a value that needs no delimiter.
    const fn width(self) -> Option<usize> {
        match self {
            Self::Status => Some(3),
            Self::TimeLocal => Some(26),
            Self::TimeIso => Some(25),
            _ => None,
        }
    }

    /// Whether a value can stand there; it tells a delimiter from the same text inside a value.
    fn admits(self, value: &[u8]) -> bool {
        let numeric = |value: &[u8]| {
            value == b"-" || value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        };
        match self {
            Self::Status => value.len() == 3 && value.iter().all(u8::is_ascii_digit),
            Self::TimeLocal => value.len() == 26 && stamp::common_log(value).is_some(),
            Self::TimeIso => stamp::iso8601(value).is_some(),
            Self::Msec => stamp::epoch(value).is_some(),
            Self::RequestTime => !value.is_empty() && numeric(value),
            _ => true,
        }
    }

    /// Whether several tries leave several values, with blanks between them (`502, 200 : 200`).
    const fn is_list(self) -> bool {
        matches!(self, Self::UpstreamStatus | Self::UpstreamAddr | Self::UpstreamTime)
    }

    const fn is_checked(self) -> bool {
        matches!(
            self,
            Self::Status | Self::TimeLocal | Self::TimeIso | Self::Msec | Self::RequestTime
        )
    }
}

#[derive(Debug)]
struct Part {
    field: Field,
    /// What stands after it.
    after: memmem::Finder<'static>,
}

/// Why a format cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Nothing says how the request ended.
    #[error("the log format has no $status")]
    NoStatus,
    /// Two values stand side by side, and the status comes after them.
    #[error("the log format has values without a delimiter before $status")]
    NoDelimiter,
    /// There are more than 128 variables.
    #[error("the log format has too many variables")]
    TooLong,
}

/// A compiled format.
#[derive(Debug)]
pub struct AccessMatcher {
    head: Vec<u8>,
    parts: Vec<Part>,
    /// Nothing is known of the line after the last part.
    open_end: bool,
    ends: Vec<(usize, usize)>,
}

/// What one line says. Values are as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessFields<'a> {
    /// Status.
    pub status: u16,
    /// When, if the format has a stamp.
    pub at: Option<Wall>,
    /// `$upstream_status`.
    pub upstream_status: Option<&'a [u8]>,
    /// `$upstream_addr`.
    pub upstream_addr: Option<&'a [u8]>,
    /// `$request_time` in milliseconds.
    pub request_ms: Option<u64>,
    /// The last value of `$upstream_response_time` in milliseconds.
    pub upstream_ms: Option<u64>,
    /// `$request`.
    pub request: Option<&'a [u8]>,
    /// `$request_method`.
    pub method: Option<&'a [u8]>,
    /// `$uri` or `$request_uri`.
    pub uri: Option<&'a [u8]>,
    /// `$host`, `$http_host` or `$server_name`, the first that has a value.
    pub host: Option<&'a [u8]>,
    /// `$http_user_agent`.
    pub agent: Option<&'a [u8]>,
}

impl AccessMatcher {
    /// Compiles a format string as nginx uses it.
    ///
    /// # Errors
    /// [`FormatError`] when lines of this format cannot say how a request ended.
    pub fn new(pattern: &str) -> Result<Self, FormatError> {
        let pattern = pattern.trim_start();
        let pattern = ["escape=json", "escape=default", "escape=none"]
            .iter()
            .find_map(|escape| pattern.strip_prefix(escape))
            .map_or(pattern, str::trim_start);
        let (head, values) = split(pattern);
        if values.len() > FIELDS {
            return Err(FormatError::TooLong);
        }
        let status = values.iter().position(|(field, _)| *field == Field::Status);
        let status = status.ok_or(FormatError::NoStatus)?;
        let last = values.len() - 1;
        let glued = values.iter().enumerate().position(|(at, (field, after))| {
            after.is_empty() && at != last && field.width().is_none()
        });
        if glued.is_some_and(|at| at <= status) {
            return Err(FormatError::NoDelimiter);
        }
        // What follows a value of unknown end cannot be told apart.
        let parts = values
            .into_iter()
            .take(glued.unwrap_or(last + 1))
            .map(|(field, after)| Part {
                field,
                after: memmem::Finder::new(after.as_bytes()).into_owned(),
            })
            .collect();
        Ok(Self { head: head.into_bytes(), parts, open_end: glued.is_some(), ends: Vec::new() })
    }

    /// Whether lines carry a stamp.
    pub fn has_time(&self) -> bool {
        let timed =
            |part: &Part| matches!(part.field, Field::TimeLocal | Field::TimeIso | Field::Msec);
        self.parts.iter().any(timed)
    }

    /// Reads one line; `None` when it was not written with this format.
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Option<AccessFields<'a>> {
        let mut from = line.starts_with(&self.head).then_some(self.head.len())?;
        self.ends.clear();
        let mut retries = RETRIES;
        // Where the value under way is searched for its end.
        let mut search = from;
        while let Some(part) = self.parts.get(self.ends.len()) {
            let last = self.ends.len() + 1 == self.parts.len() && !self.open_end;
            let end = end_of(part, line, from, search, last);
            let value = end.and_then(|end| line.get(from..end));
            if let Some((end, _)) = end.zip(value.filter(|value| part.field.admits(value))) {
                self.ends.push((from, end));
                from = end + part.after.needle().len();
                search = from;
                continue;
            }
            // The value before it may have held its own delimiter.
            retries = retries.checked_sub(1)?;
            (from, search) = self.step_back(line.len())?;
        }
        Some(self.fields(line))
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

    fn fields<'a>(&self, line: &'a [u8]) -> AccessFields<'a> {
        let mut out = AccessFields::default();
        let said = |value: &&[u8]| !value.is_empty() && **value != *b"-";
        for (part, (from, end)) in self.parts.iter().zip(&self.ends) {
            let Some(value) = line.get(*from..*end) else { continue };
            let some = Some(value).filter(said);
            match part.field {
                Field::Status => {
                    out.status =
                        value.iter().fold(0, |sum, byte| sum * 10 + u16::from(byte - b'0'));
                }
                Field::TimeLocal => out.at = out.at.or_else(|| stamp::common_log(value)),
                Field::TimeIso => out.at = out.at.or_else(|| stamp::iso8601(value)),
                Field::Msec => out.at = stamp::epoch(value).or(out.at),
                Field::UpstreamStatus => out.upstream_status = out.upstream_status.or(some),
                Field::UpstreamAddr => out.upstream_addr = out.upstream_addr.or(some),
                Field::RequestTime => out.request_ms = some.and_then(millis),
                Field::UpstreamTime => out.upstream_ms = some.and_then(last_millis),
                Field::Request => out.request = out.request.or(some),
                Field::Method => out.method = out.method.or(some),
                Field::Uri => out.uri = out.uri.or(some),
                Field::Host => out.host = out.host.or(some),
                Field::Agent => out.agent = out.agent.or(some),
                Field::Other => {}
            }
        }
        out
    }
}

/// Where a value that begins at `from` ends, searched from `search`. A quote that a backslash
/// escapes ends nothing (`escape=json`; the default escape never leaves one).
fn end_of(part: &Part, line: &[u8], from: usize, search: usize, last: bool) -> Option<usize> {
    let needle = part.after.needle();
    if last {
        let end = line.len().checked_sub(needle.len())?;
        return (end >= search && line.ends_with(needle)).then_some(end);
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

/// The text before the first variable, and each variable with the text after it.
fn split(pattern: &str) -> (String, Vec<(Field, String)>) {
    let mut head = String::new();
    let mut values: Vec<(Field, String)> = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('$') {
        let (text, tail) = rest.split_at(at);
        values.last_mut().map_or(&mut head, |(_, after)| after).push_str(text);
        let tail = tail.get(1..).unwrap_or_default();
        let braced = tail.strip_prefix('{').and_then(|tail| tail.split_once('}'));
        let (name, after) = braced.unwrap_or_else(|| {
            let other = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            tail.split_at(tail.find(other).unwrap_or(tail.len()))
        });
        if name.is_empty() {
            values.last_mut().map_or(&mut head, |(_, after)| after).push('$');
        } else {
            values.push((Field::of(name), String::new()));
        }
        rest = after;
    }
    values.last_mut().map_or(&mut head, |(_, after)| after).push_str(rest);
    (head, values)
}

/// Seconds with a fraction to milliseconds.
fn millis(value: &[u8]) -> Option<u64> {
    stamp::epoch(value).and_then(|wall| u64::try_from(wall.0 / 1000).ok())
}

/// The last of `0.001, 0.002 : 0.3`; each try and each internal redirect adds one.
fn last_millis(value: &[u8]) -> Option<u64> {
    let from = value.iter().rposition(|byte| b", :".contains(byte)).map_or(0, |at| at + 1);
    millis(value.get(from..)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

    fn text(value: Option<&[u8]>) -> &str {
        std::str::from_utf8(value.unwrap_or(b"-")).unwrap()
    }

    #[test]
    fn the_combined_format_is_read() {
        let mut matcher = AccessMatcher::new(COMBINED).unwrap();
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
        let mut matcher = AccessMatcher::new(COMBINED).unwrap();
        let line =
            br#"1.2.3.4 - a [b] "x" [20/Nov/2026:18:17:42 +0000] "GET / HTTP/1.1" 499 0 "-" "-""#;
        assert_eq!(matcher.read(line).unwrap().status, 499);
    }

    #[test]
    fn several_tries_leave_several_values() {
        let pattern =
            "$status $upstream_status $upstream_addr $request_time $upstream_response_time";
        let mut matcher = AccessMatcher::new(pattern).unwrap();
        let line = b"502 502, 502 : 200 10.0.0.1:80, unix:/run/a.sock : 10.0.0.2:80 0.125 0.001, 0.002 : 0.120";
        let fields = matcher.read(line).unwrap();
        assert_eq!(text(fields.upstream_status), "502, 502 : 200");
        assert_eq!(text(fields.upstream_addr), "10.0.0.1:80, unix:/run/a.sock : 10.0.0.2:80");
        assert_eq!((fields.request_ms, fields.upstream_ms), (Some(125), Some(120)));
    }

    #[test]
    fn json_values_may_hold_escaped_quotes() {
        let pattern = r#"escape=json {"t":"$time_iso8601","m":"$request_method","u":"$request_uri","a":"$http_user_agent","s":$status}"#;
        let mut matcher = AccessMatcher::new(pattern).unwrap();
        let line =
            br#"{"t":"2026-11-20T18:17:42+00:00","m":"GET","u":"/x","a":"a\",\"s\":200}","s":503}"#;
        let fields = matcher.read(line).unwrap();
        assert_eq!(fields.status, 503);
        assert_eq!(text(fields.uri), "/x");
        assert_eq!(fields.at, Some(Wall::from_secs(1_795_198_662)));
    }

    #[test]
    fn a_format_that_cannot_tell_the_status_is_refused() {
        assert_eq!(AccessMatcher::new("$remote_addr $request").unwrap_err(), FormatError::NoStatus);
        assert_eq!(
            AccessMatcher::new("$request$host $status").unwrap_err(),
            FormatError::NoDelimiter
        );
        let mut open = AccessMatcher::new("$time_iso8601$status $host$uri end").unwrap();
        let fields = open.read(b"2026-11-20T18:17:42+00:00502 abc/d end").unwrap();
        assert_eq!(fields.status, 502);
        assert_eq!(fields.host, None);
        assert_eq!(AccessMatcher::new("").unwrap_err(), FormatError::NoStatus);
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
            let mut matcher = AccessMatcher::new(&pattern).unwrap();
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
                if let Ok(mut matcher) = AccessMatcher::new(pattern) {
                    matcher.read(&line);
                }
            }
        }
    }
}
