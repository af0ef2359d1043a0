//! A format that nobody told and that is none of the known ones: values with blanks, bars, commas
//! or tabs between, among them a time, a method, a path and a status, as somebody's own
//! `log_format`, W3C's extended format or a framework writes them.

use crate::{evidence::StampReader, observation::Wall};

use super::{
    field::{Unit, millis, status_of},
    fields::{AccessFields, Marker},
    guess::is_address,
    keys::time,
    parser::Reading,
};

/// Values of a line that are looked at.
const WORDS: usize = 48;
/// Values before the method among which the time is looked for.
const BEFORE: usize = 12;
const METHODS: [&[u8]; 7] = [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"PATCH", b"OPTIONS"];

/// One value, with its place in the line.
#[derive(Clone, Copy)]
struct Word<'a> {
    at: usize,
    text: &'a [u8],
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// Reads a line.
pub(super) fn read<'a>(line: &'a [u8], stamps: &mut StampReader, now: Wall) -> Reading<'a> {
    known(line, stamps, now).map_or(Reading::Unfit, Reading::Request)
}

fn known<'a>(line: &'a [u8], stamps: &mut StampReader, now: Wall) -> Option<AccessFields<'a>> {
    let words: Vec<Word<'a>> = words(line).take(WORDS).collect();
    let method_at = words.iter().position(|word| METHODS.contains(&word.text))?;
    let (before, rest) = words.split_at_checked(method_at)?;
    let (method, after) = rest.split_first()?;
    // A host may stand between the method and the path.
    let uri_at = after.iter().take(2).position(|word| is_path(word.text))?;
    let host = after.get(..uri_at)?.first().map(|word| word.text);
    let (uri, after) = after.get(uri_at..)?.split_first()?;
    let status_at = after.iter().position(|word| is_status(word.text))?;
    let status_word = after.get(status_at)?;
    let at = when(line, before, stamps, now)?;
    let mut fields = AccessFields {
        status: status_of(status_word.text)?,
        at: Some(at),
        method: Some(method.text),
        uri: Some(uri.text),
        host,
        marker: Marker { at: status_word.at, lead: 1 },
        ..AccessFields::default()
    };
    let mut tail = after.iter().skip(status_at + 1);
    for word in tail.by_ref() {
        if word.text.starts_with(b"unix:") || is_address(word.text) {
            fields.upstream_addr = Some(word.text);
            break;
        }
        if fields.request_ms.is_none() && is_span(word.text) {
            fields.request_ms = millis(word.text, Unit::Seconds);
        }
    }
    fields.upstream_status = tail.find(|word| is_status(word.text)).map(|word| word.text);
    Some(fields)
}

/// The time: one value, or two that stand beside each other (date and time, time and zone).
fn when(line: &[u8], before: &[Word<'_>], stamps: &mut StampReader, now: Wall) -> Option<Wall> {
    let near = before.get(..before.len().min(BEFORE))?;
    for (index, word) in near.iter().enumerate() {
        if !word.text.first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        let next = near.get(index + 1).and_then(|next| line.get(word.at..next.end()));
        let both = next.map(|both| both.iter().map(|b| if *b == b'\t' { b' ' } else { *b }));
        let both: Option<Vec<u8>> = both.map(Iterator::collect);
        let found = both.and_then(|both| time(&both, stamps, now));
        if let Some(at) = found.or_else(|| time(word.text, stamps, now)) {
            return Some(at);
        }
    }
    None
}

/// Values without what stands around them.
fn words(line: &[u8]) -> impl Iterator<Item = Word<'_>> {
    let mut at = 0;
    let between = |byte: &u8| {
        matches!(
            *byte,
            b' ' | b'\t' | b'|' | b';' | b',' | b'"' | b'\'' | b'[' | b']' | b'(' | b')'
        )
    };
    std::iter::from_fn(move || {
        let start = at + line.get(at..)?.iter().position(|byte| !between(byte))?;
        let rest = line.get(start..)?;
        let length = rest.iter().position(between).unwrap_or(rest.len());
        at = start + length;
        Some(Word { at: start, text: line.get(start..at)? })
    })
}

fn is_path(word: &[u8]) -> bool {
    word.starts_with(b"/") || word.starts_with(b"http://") || word.starts_with(b"https://")
}

/// A status that servers send; 443 is a port.
fn is_status(word: &[u8]) -> bool {
    word.len() == 3
        && status_of(word).is_some_and(|status| {
            matches!(
                status,
                100..=103 | 200..=208 | 300..=308 | 400..=431 | 444 | 451 | 494..=511 | 520..=530
            )
        })
}

fn is_span(word: &[u8]) -> bool {
    memchr::memchr_iter(b'.', word).count() == 1
        && word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn fields(line: &str) -> Option<AccessFields<'_>> {
        known(line.as_bytes(), &mut StampReader::new(TimeZone::UTC), Wall(i64::MAX))
    }

    fn text(value: Option<&[u8]>) -> &str {
        std::str::from_utf8(value.unwrap_or(b"-")).unwrap()
    }

    #[test]
    fn formats_that_nobody_told_give_time_path_status_and_upstream() {
        let own = [
            "2026-11-26T11:00:01+00:00 1.2.3.4 GET shop.lan /p 502 0.001 127.0.0.1:9000 502 0.001",
            "1.2.3.4|[2026-11-26T11:00:01+00:00]|GET|/p|HTTP/1.1|502|0.001|127.0.0.1:9000|502",
            r#"26/Nov/2026:11:00:01 +0000, 1.2.3.4, "GET /p HTTP/2.0", 502, 127.0.0.1:9000, 502"#,
        ];
        for line in own {
            let read = fields(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((read.status, text(read.uri)), (502, "/p"), "{line}");
            assert_eq!(text(read.upstream_addr), "127.0.0.1:9000", "{line}");
            assert_eq!(text(read.upstream_status), "502", "{line}");
            let at = "2026-11-26T11:00:01Z".parse::<jiff::Timestamp>().unwrap();
            assert_eq!(read.at, Some(Wall(at.as_microsecond())), "{line}");
            assert_eq!(line.get(read.marker.at..read.marker.at + 3), Some("502"));
        }
    }

    #[test]
    fn a_port_or_a_size_is_no_status() {
        let iis =
            "2026-11-26 11:00:01 10.0.0.1 GET /app - 443 - 1.2.3.4 Mozilla/5.0 - 502 3 12030 30000";
        assert_eq!(fields(iis).map(|read| read.status), Some(502));
        assert!(fields("2026-11-26T11:00:01Z GET /p 1234 0.5").is_none());
        assert!(fields("GET /p 502").is_none(), "without a time it is not counted");
        assert!(fields("2026-11-26T11:00:01Z cannot GET the list: 502 items").is_none());
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = known(&line, &mut StampReader::new(TimeZone::UTC), Wall(0));
        }

        #[test]
        fn the_marker_is_where_the_status_stands(path in "/[a-z0-9 |,]{0,20}", status in 500_u16..512) {
            let line = format!("2026-11-26T11:00:01Z GET {path} {status} 1");
            if let Some(read) = fields(&line) {
                let stands = line.get(read.marker.at..read.marker.at + 3);
                let status = read.status.to_string();
                prop_assert_eq!(stands, Some(status.as_str()));
            }
        }
    }
}
