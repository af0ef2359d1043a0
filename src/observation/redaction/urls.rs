//! Passwords in URLs and connection strings.

use super::bytes::{at, from, goes_on, is_name, skip, skip_back};

/// Longest `user:password` without a scheme.
const BARE: usize = 256;
/// A name without a password that is as long as this is one itself.
const TOKEN: usize = 20;

/// A token of text, remembered so that each is measured once.
#[derive(Debug)]
pub(super) struct Token {
    end: usize,
    /// The last `@` in it.
    last: Option<usize>,
}

const fn ends_url(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'<' | b'>' | b'`' | 0x7f)
}

impl Token {
    pub(super) const fn new() -> Self {
        Self { end: 0, last: None }
    }

    fn measure(&mut self, text: &[u8], place: usize) {
        if place < self.end {
            return;
        }
        self.end = skip(text, place, |byte| !ends_url(byte));
        let inside = text.get(place..self.end).unwrap_or_default();
        self.last = memchr::memrchr(b'@', inside).map(|at| place + at);
    }
}

/// The password behind `://`, which ends at `place`; `scheme` is where the scheme may begin.
pub(super) fn password(
    text: &[u8],
    hint: usize,
    place: usize,
    floor: usize,
    token: &mut Token,
) -> Option<(usize, usize)> {
    token.measure(text, place);
    let last = token.last.filter(|last| *last >= place)?;
    let begin = skip_back(text, hint, floor, 24, |b| is_name(b) || b == b'+');
    let scheme = text.get(begin..hint).unwrap_or_default().to_ascii_lowercase();
    // Quoted by what stands before the scheme.
    let quoted = at(text, begin.wrapping_sub(1)) == b'\'';
    let end = if quoted { from(text, place).iter().position(|b| *b == b'\'') } else { None };
    let end = end.map_or(token.end, |n| token.end.min(place + n));
    let region = skip(text, place, |b| !matches!(b, b'/' | b'?' | b'#') && !ends_url(b)).min(end);
    let inside = text.get(place..region).unwrap_or_default();
    let web = matches!(&*scheme, b"http" | b"https" | b"ws" | b"wss" | b"h2c" | b"fcgi" | b"tcp");
    let near = memchr::memrchr(b'@', inside).map(|n| place + n);
    let far = if last < end { Some(last) } else { near };
    let behind = match near {
        Some(near) if web => near,
        Some(near) => far.filter(|far| !query_before(text, place, *far)).unwrap_or(near),
        None => {
            // A slash within a password: what stands before it is then no host and port.
            let colon = place + memchr::memchr(b':', inside)?;
            let port = text.get(colon + 1..region).unwrap_or_default();
            let host = text.get(place..colon).unwrap_or_default();
            let is_port = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
            if host == b"unix" || at(text, place) == b'[' || is_port && web {
                return None;
            }
            far?
        }
    };
    let colon = memchr::memchr(b':', text.get(place..behind)?).map(|n| place + n + 1);
    match colon {
        Some(start) => Some((start, behind)),
        None => (behind - place >= TOKEN).then_some((place, behind)),
    }
}

fn query_before(text: &[u8], start: usize, end: usize) -> bool {
    text.get(start..end).is_some_and(|inside| memchr::memchr(b'?', inside).is_some())
}

/// The password behind `%3A%2F%2F`.
pub(super) fn encoded(text: &[u8], place: usize) -> Option<(usize, usize)> {
    let host =
        |n: &usize| !ends_url(at(text, *n)) && at(text, *n) != b'&' && !goes_on(text, *n, "%2F");
    let (mut colon, mut end) = (None, None);
    for n in (place..text.len()).take_while(host) {
        match at(text, n) {
            b'@' => end = Some(n),
            b':' if colon.is_none() => colon = Some(n + 1),
            b'%' if goes_on(text, n, "%40") => end = Some(n),
            b'%' if colon.is_none() && goes_on(text, n, "%3A") => colon = Some(n + 3),
            _ => {}
        }
    }
    colon.zip(end).filter(|(colon, end)| colon < end)
}

/// The password of `user:password@host:port`, `@tcp(…)` or `@unix(…)`, without a scheme.
pub(super) fn bare(text: &[u8], place: usize, floor: usize) -> Option<(usize, usize)> {
    let behind = place + 1;
    let host = skip(text, behind, is_name);
    let port = at(text, host) == b':' && at(text, host + 1).is_ascii_digit() && host > behind;
    let driver = ["tcp(", "unix(", "cloudsql("].into_iter().any(|d| goes_on(text, behind, d));
    if !port && !driver {
        return None;
    }
    let fits =
        |b: u8| b > b' ' && !matches!(b, b'"' | b'\'' | b'/' | b'@' | b'<' | b'>' | b'=' | b'(');
    let mut start = skip_back(text, place, floor, BARE, fits);
    if driver {
        // Such a password may hold anything but blanks and quotes.
        let fits = |b: u8| b > b' ' && !matches!(b, b'"' | b'\'' | b'`' | b'=');
        start = skip_back(text, place, floor, BARE, fits);
    }
    let inside = text.get(start..place)?;
    let colon = memchr::memchr(b':', inside)?;
    let user = inside.get(..colon)?;
    let named = !user.is_empty() && user.iter().all(|b| is_name(*b)) && colon + 1 < inside.len();
    named.then_some((start + colon + 1, place))
}
