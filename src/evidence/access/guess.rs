//! The common and the combined format with whatever else somebody put before and behind it:
//! `[vhost[:port]] addr - user [time] "request" status bytes ["referer" "agent"] …`.

use crate::{
    evidence::{StampReader, stamp},
    observation::Wall,
};

use super::{
    field::{Unit, last_millis, millis, status_of},
    fields::{AccessFields, Marker},
    keys::{Gatherer, Pair, time},
    pairs::quote_end,
    parser::Reading,
};

/// Values behind the known ones that are looked at.
const TAIL: usize = 48;

/// Reads a line.
pub(super) fn read<'a>(line: &'a [u8], stamps: &mut StampReader, now: Wall) -> Reading<'a> {
    match known(line, stamps, now) {
        Some((mut fields, rest)) => {
            tail(&mut fields, line, rest, stamps, now);
            Reading::Request(fields)
        }
        None => Reading::Unfit,
    }
}

/// Everything up to the bytes sent; gives where the rest begins.
fn known<'a>(
    line: &'a [u8],
    stamps: &mut StampReader,
    now: Wall,
) -> Option<(AccessFields<'a>, usize)> {
    let mut search = 0;
    // A user's name may hold brackets.
    for _ in 0..4 {
        let open = search + memchr::memchr(b'[', line.get(search..)?)?;
        let close = open + memchr::memmem::find(line.get(open..)?, b"] \"")?;
        search = open + 1;
        let written = line.get(open + 1..close)?;
        let at = stamp::common_log(written).or_else(|| time(written, stamps, now));
        let Some(at) = at else { continue };
        let from = close + 3;
        let (end, status) = request_end(line, from)?;
        let request = line.get(from..end).filter(|request| **request != *b"-");
        let status_at = end + 2;
        let mut fields = AccessFields {
            status,
            at: Some(at),
            request: request.filter(|request| !request.is_empty()),
            marker: Marker { at: status_at, lead: 2 },
            ..AccessFields::default()
        };
        fields.host = host(line.get(..open).unwrap_or_default());
        let rest = line.get(status_at..)?;
        let bytes = rest.iter().position(|byte| *byte == b' ').map_or(rest.len(), |n| n + 1);
        let sent = rest.get(bytes..).unwrap_or_default();
        let length = sent.iter().position(|byte| *byte == b' ').map_or(sent.len(), |n| n + 1);
        return Some((fields, status_at + bytes + length));
    }
    None
}

/// The quote after which a status stands.
fn request_end(line: &[u8], from: usize) -> Option<(usize, u16)> {
    let mut at = from;
    loop {
        at += memchr::memmem::find(line.get(at..)?, b"\" ")?;
        let rest = line.get(at + 2..)?;
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        if let Some(status) = rest.get(..end).and_then(status_of) {
            return Some((at, status));
        }
        at += 1;
    }
}

/// A virtual host that stands before the client's address.
fn host(head: &[u8]) -> Option<&[u8]> {
    let mut words = head.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (first, second) = (words.next()?, words.next()?);
    let address = |word: &[u8]| is_ipv4(word) || occurs(word, b':') > 1;
    (!address(first) && address(second)).then_some(first)
}

/// What may be told from values whose names nobody wrote, or only in short.
fn tail<'a>(
    fields: &mut AccessFields<'a>,
    line: &'a [u8],
    rest: usize,
    stamps: &mut StampReader,
    now: Wall,
) {
    let mut gatherer = Gatherer::new(stamps, now);
    let mut named = false;
    let mut quoted = 0;
    let mut at = rest;
    let mut label: &'a [u8] = b"";
    for _ in 0..TAIL {
        let Some(text) = line.get(at..).filter(|text| !text.is_empty()) else { break };
        if text.first() == Some(&b' ') {
            at += 1;
            continue;
        }
        let (name, value, length) = token(text);
        let place = (at, at + length.saturating_sub(value.len()));
        at += length;
        let name = if name.is_empty() { std::mem::take(&mut label) } else { name };
        if text.first() == Some(&b'"') && name.is_empty() {
            quoted += 1;
            // The first two are the referer and the agent.
            match quoted {
                1 => continue,
                2 => {
                    fields.agent = Some(value).filter(|agent| **agent != *b"-");
                    continue;
                }
                _ => {}
            }
        }
        match name {
            b"" if value.last() == Some(&b':') => {
                label = value.get(..value.len() - 1).unwrap_or_default();
            }
            b"" => bare(fields, value),
            name => {
                named = true;
                gatherer.pair(Pair { parent: b"", name, value, place });
            }
        }
    }
    if named {
        merge(fields, gatherer.named());
    }
}

fn merge<'a>(fields: &mut AccessFields<'a>, told: AccessFields<'a>) {
    fields.upstream_status = told.upstream_status.or(fields.upstream_status);
    fields.upstream_addr = told.upstream_addr.or(fields.upstream_addr);
    fields.request_ms = told.request_ms.or(fields.request_ms);
    fields.upstream_ms = told.upstream_ms.or(fields.upstream_ms);
    fields.host = fields.host.or(told.host);
    fields.backend = fields.backend.or(told.backend);
    fields.flags = fields.flags.or(told.flags);
}

/// The next value with its name, and how long both are with their quotes.
fn token(text: &[u8]) -> (&[u8], &[u8], usize) {
    let inside = |from: usize| {
        let inner = text.get(from + 1..).unwrap_or_default();
        let end = quote_end(inner);
        (inner.get(..end).unwrap_or(inner), (from + end + 2).min(text.len()))
    };
    if text.first() == Some(&b'"') {
        let (value, length) = inside(0);
        return (b"", value, length);
    }
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    let word = text.get(..end).unwrap_or(text);
    let Some(equals) = word.iter().position(|byte| *byte == b'=').filter(|at| *at > 0) else {
        let end = list_end(text, end);
        return (b"", text.get(..end).unwrap_or(word), end);
    };
    let name = word.get(..equals).unwrap_or_default();
    if text.get(equals + 1) == Some(&b'"') {
        let (value, length) = inside(equals + 1);
        return (name, value, length);
    }
    // Several tries stand behind each other with blanks between.
    let mut end = end;
    while text.get(..end).is_some_and(|value| value.ends_with(b",")) {
        let more = text.get(end + 1..).unwrap_or_default();
        end += 1 + more.iter().position(|byte| *byte == b' ').unwrap_or(more.len());
        end = end.min(text.len());
        if more.is_empty() {
            break;
        }
    }
    (name, text.get(equals + 1..end).unwrap_or_default(), end)
}

/// Where a list of addresses ends, as nginx writes it for several tries: `a, b : c`.
fn list_end(text: &[u8], first: usize) -> usize {
    let mut end = first;
    let mut start = 0;
    loop {
        let word = text.get(start..end).unwrap_or_default();
        let bare = word.strip_suffix(b",").unwrap_or(word);
        if !(bare.starts_with(b"unix:") || is_address(bare)) {
            // What is none is not taken in.
            return if start == 0 { first } else { text.get(..start).map_or(first, trimmed) };
        }
        let rest = text.get(end..).unwrap_or_default();
        let gap = match (word.len() > bare.len(), rest) {
            (true, [b' ', ..]) => 1,
            (false, [b' ', b':', b' ', ..]) => 3,
            _ => return end,
        };
        start = end + gap;
        let more = text.get(start..).unwrap_or_default();
        end = start + more.iter().position(|byte| *byte == b' ').unwrap_or(more.len());
    }
}

/// Length without the separators at the end.
fn trimmed(text: &[u8]) -> usize {
    let kept = |byte: &u8| !matches!(*byte, b' ' | b',' | b':');
    text.iter().rposition(kept).map_or(text.len(), |last| last + 1)
}

/// A value without a name: an address, a status or a time.
fn bare<'a>(fields: &mut AccessFields<'a>, value: &'a [u8]) {
    let value = value.strip_suffix(b",").unwrap_or(value);
    let numeric = value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let head = value.split(|byte| *byte == b' ').next().unwrap_or(value);
    let head = head.strip_suffix(b",").unwrap_or(head);
    if head.starts_with(b"unix:") || is_address(head) {
        fields.upstream_addr = fields.upstream_addr.or(Some(value));
    } else if numeric
        && value.len() == 3
        && status_of(value).is_some_and(|s| (100..600).contains(&s))
    {
        fields.upstream_status = fields.upstream_status.or(Some(value));
    } else if numeric && occurs(value, b'.') == 1 {
        if fields.request_ms.is_none() {
            fields.request_ms = millis(value, Unit::Seconds);
        } else {
            fields.upstream_ms = fields.upstream_ms.or_else(|| last_millis(value, Unit::Seconds));
        }
    }
}

/// `10.0.0.1:80`, `[::1]:80`: a port is needed, or a client's address would pass for a backend's.
pub(super) fn is_address(value: &[u8]) -> bool {
    let Some(colon) = value.iter().rposition(|byte| *byte == b':') else { return false };
    let (host, port) = value.split_at(colon);
    let port = port.get(1..).unwrap_or_default();
    let digits = !port.is_empty() && port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    digits && (is_ipv4(host) || (host.starts_with(b"[") && host.ends_with(b"]")))
}

fn is_ipv4(text: &[u8]) -> bool {
    occurs(text, b'.') == 3 && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

fn occurs(text: &[u8], byte: u8) -> usize {
    memchr::memchr_iter(byte, text).count()
}
