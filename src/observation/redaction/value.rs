//! Where the value of a name begins and ends.

use super::{
    bytes::{at, before, from, goes_on, is_blank, is_name, skip},
    mark,
    names::Kind,
};

/// How far a quote that should close is looked for when nothing else depends on it.
const FAR: usize = 8 * 1024;
/// Most bytes of a run of closing characters, and of a name behind it, that are looked at.
const RUN: usize = 32;

/// A quotation mark as it is written at this depth of escaping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    /// How it is written: `"`, `%22`, `x22` behind a backslash.
    sign: &'static str,
    /// Backslashes before it.
    slashes: usize,
}

/// Quotes as they are, and as they are spelt.
const SIGNS: [&str; 7] = ["\"", "'", "`", "%22", "%27", "%2522", "&quot;"];
/// Such that are quotes behind a backslash only.
const ESCAPED: [&str; 4] = ["x22", "x27", "u0022", "u0027"];
/// Most backslashes before a quote.
const DEEP: usize = 7;

impl Quote {
    fn sign(text: &[u8], place: usize, slashes: usize) -> Option<&'static str> {
        let escaped: &[&'static str] = if slashes > 0 { &ESCAPED } else { &[] };
        SIGNS.iter().chain(escaped).find(|sign| goes_on(text, place, sign)).copied()
    }

    /// The quote that stands here, and where it ends.
    pub(super) fn here(text: &[u8], place: usize) -> Option<(Self, usize)> {
        let start = skip(text, place, |byte| byte == b'\\');
        let slashes = start - place;
        let sign = Self::sign(text, start, slashes).filter(|_| slashes <= DEEP)?;
        Some((Self { sign, slashes }, start + sign.len()))
    }

    /// The quote that stands before this place.
    pub(super) fn ending_at(text: &[u8], place: usize) -> Option<Self> {
        let head = text.get(..place).unwrap_or_default();
        SIGNS.iter().chain(&ESCAPED).find_map(|sign| {
            let start = place.checked_sub(sign.len())?;
            let slashes =
                head.get(..start)?.iter().rev().take(DEEP).take_while(|b| **b == b'\\').count();
            let fits = goes_on(head, start, sign) && (slashes > 0 || !ESCAPED.contains(sign));
            fits.then_some(Self { sign, slashes })
        })
    }

    /// Where the text that it opened ends, in this line and within `most` bytes.
    fn close(&self, text: &[u8], start: usize, most: usize) -> Option<usize> {
        let first = self.sign.bytes().next().unwrap_or_default();
        let mut slashes = 0_usize;
        for (n, byte) in from(text, start).iter().take(most).enumerate() {
            match *byte {
                b'\n' | b'\r' => return None,
                b'\\' => slashes += 1,
                byte => {
                    let is_sign = byte == first && goes_on(text, start + n, self.sign);
                    if is_sign && self.closes(slashes) {
                        return Some(start + n - slashes.min(self.slashes));
                    }
                    slashes = 0;
                }
            }
        }
        None
    }

    /// Whether a quote behind so many backslashes ends a text at this depth.
    fn closes(&self, slashes: usize) -> bool {
        match self.slashes {
            _ if self.sign.len() > 1 => slashes == self.slashes,
            0 => slashes.is_multiple_of(2),
            1 => slashes % 2 == 1 && (slashes / 2).is_multiple_of(2),
            deep => slashes == deep,
        }
    }
}

/// What stands around a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    /// What it asks for.
    pub(super) kind: Kind,
    /// Its first byte.
    pub(super) start: usize,
    /// Behind its last.
    pub(super) end: usize,
    /// Whether its letters are all capital.
    pub(super) capital: bool,
}

/// How a text says that it was cut (`Text::new`).
const CUT: &str = "… [cut at ";

/// The end of the line, or of the part of it that was kept.
pub(super) fn line_end(text: &[u8], place: usize) -> usize {
    let rest = from(text, place);
    let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    let line = rest.get(..end).unwrap_or_default();
    place + memchr::memmem::find(line, CUT.as_bytes()).unwrap_or(end)
}

/// Where a secret ends that was found up to `end`: what says that a text was cut is none of it.
pub(super) fn kept_end(text: &[u8], start: usize, end: usize) -> usize {
    let window = text.get(start..text.len().min(end + CUT.len())).unwrap_or_default();
    memchr::memmem::find(window, CUT.as_bytes()).map_or(end, |at| end.min(start + at))
}

/// What parts a name from its value, and where the value begins.
pub(super) struct Parted {
    pub(super) start: usize,
    /// `=` or `:`.
    pub(super) by: u8,
    /// Whether a blank follows it.
    blank: bool,
    /// Whether the quote that the name stands in was closed before.
    closed: bool,
}

impl Parted {
    /// As if a separator stood right before.
    pub(super) const fn at(start: usize) -> Self {
        Self { start, by: b'=', blank: false, closed: true }
    }
}

const SEPARATORS: [(&str, u8); 14] = [
    ("=>", b'='),
    (":=", b'='),
    ("==", b'='),
    ("=", b'='),
    (":", b':'),
    ("%253D", b'='),
    ("%3D", b'='),
    ("%3A", b':'),
    ("\\u003d", b'='),
    ("\\u003a", b':'),
    ("\\x3d", b'='),
    ("\\x3a", b':'),
    ("&#61;", b'='),
    ("&#x3d;", b'='),
];

/// Finds the separator behind a name.
pub(super) fn parted(text: &[u8], name: &Named) -> Option<Parted> {
    let mut place = name.end;
    let mut closed = false;
    for _ in 0..3 {
        if let Some((_, end)) = Quote::here(text, place) {
            (place, closed) = (end, true);
        } else if matches!(at(text, place), b']' | b')') {
            place += 1;
        } else if goes_on(text, place, "%5D") {
            place += 3;
        } else {
            break;
        }
    }
    // <password>x</password>
    if at(text, place) == b'>' && before(text, name.start) == b'<' && !closed {
        return Some(Parted { start: place + 1, by: b'>', blank: false, closed });
    }
    // {"name": "DB_PASS", "value": "x"}
    if closed && let Some(start) = beside(text, place) {
        return Some(Parted { start, by: b':', blank: false, closed });
    }
    place = skip(text, place, is_blank).min(place + 4);
    let (separator, by) =
        SEPARATORS.into_iter().find(|(separator, _)| goes_on(text, place, separator))?;
    let behind = place + separator.len();
    // `Token::Expired` and `token://` name something else.
    if separator == ":" && (at(text, behind) == b':' || goes_on(text, behind, "//")) {
        return None;
    }
    let start = skip(text, behind, |b| is_blank(b) || b == b'+' && separator.len() > 2);
    Some(Parted { start, by, blank: start > behind, closed })
}

/// `, "value": ` behind the name of a variable in a list of them.
fn beside(text: &[u8], place: usize) -> Option<usize> {
    let fits = |byte| is_blank(byte) || matches!(byte, b',' | b'"' | b'\'' | b'\\');
    let word = skip(text, place, fits).min(place + 12);
    if !goes_on(text, word, "value") || at(text, place) != b',' && !is_blank(at(text, place)) {
        return None;
    }
    let end = skip(text, word + 5, |b| b == b'"' || b == b'\'' || b == b'\\').min(word + 9);
    let end = skip(text, end, is_blank);
    matches!(at(text, end), b':' | b'=').then(|| skip(text, end + 1, is_blank))
}

/// Where the value at `place` begins and ends.
pub(super) fn extent(
    text: &[u8],
    name: &Named,
    parted: &Parted,
    open: &mut Unclosed,
) -> (usize, usize) {
    let start = parted.start;
    let line = || line_end(text, start);
    let is_marked = mark::length(from(text, start)).is_some();
    if let Some((quote, inside)) = Quote::here(text, start) {
        let end = quote.close(text, inside, usize::MAX);
        return (inside, end.unwrap_or_else(|| line_end(text, inside)));
    }
    if parted.by == b'>' {
        return (start, skip(text, start, |b| b != b'<'));
    }
    match at(text, start) {
        b'[' if !is_marked => return (start + 1, nested(text, start, b'[', b']')),
        b'{' => return (start + 1, nested(text, start, b'{', b'}')),
        _ => {}
    }
    if !parted.closed
        && let Some(end) = around(text, name.start, start, open)
    {
        return (start, end);
    }
    let all = parted.by == b':' || parted.by == b'=' && name.capital;
    if name.kind == Kind::Header && !parted.closed && all {
        return (start, folded(text, line()));
    }
    let first = parted.by == b'=' && name.capital || parted.by == b':' && parted.blank;
    if first && is_first(text, name.start) {
        return (start, line());
    }
    (start, scheme(text, start).map_or_else(|| word(text, start), |start| word(text, start)))
}

/// A quote that is not closed before a place, so that it is looked for once.
pub(super) type Unclosed = Option<(Quote, usize)>;

/// Where the quotes end that both name and value stand in.
fn around(text: &[u8], name: usize, start: usize, open: &mut Unclosed) -> Option<usize> {
    let quote = Quote::ending_at(text, name)?;
    if open.is_some_and(|(known, until)| known == quote && start < until) {
        return None;
    }
    let end = quote.close(text, start, FAR);
    if end.is_none() {
        *open = Some((quote, start + FAR));
    }
    end
}

/// A header may go on in the lines after it, which begin with a blank then.
fn folded(text: &[u8], end: usize) -> usize {
    let mut end = end;
    loop {
        let line = skip(text, end, |b| b == b'\r').min(end + 1);
        let next = if at(text, line) == b'\n' { line + 1 } else { return end };
        if !is_blank(at(text, next)) {
            return end;
        }
        end = line_end(text, next);
    }
}

/// Whether nothing but indentation, a list's dash, a difference's sign or `export` stands before.
fn is_first(text: &[u8], start: usize) -> bool {
    let floor = start.saturating_sub(RUN);
    let head = text.get(floor..start).unwrap_or_default();
    let line = memchr::memrchr(b'\n', head).map_or(head, |at| from(head, at + 1));
    if line.len() == RUN {
        return false;
    }
    let line = line.strip_prefix(b"export ").unwrap_or(line);
    line.iter().all(|b| is_blank(*b) || matches!(b, b'-' | b'+' | b'"' | b'\''))
}

/// Behind `[` or `{`, up to what closes it.
fn nested(text: &[u8], start: usize, open: u8, close: u8) -> usize {
    let mut depth = 0_usize;
    for (n, byte) in from(text, start).iter().enumerate() {
        if *byte == b'\n' {
            break;
        }
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return start + n;
            }
        }
    }
    line_end(text, start)
}

/// How the values of headers begin that say who somebody is.
const SCHEMES: [&str; 6] = ["basic", "bearer", "digest", "negotiate", "token", "apikey"];

/// Whether a word is one of these.
pub(super) fn is_scheme(word: &str) -> bool {
    SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Behind `Basic `, `Bearer ` and the like, when that is how a value begins.
fn scheme(text: &[u8], start: usize) -> Option<usize> {
    SCHEMES.into_iter().find_map(|word| {
        let behind = start + word.len();
        let blank = matches!(at(text, behind), b' ' | b'+');
        (goes_on(text, start, word) && blank).then_some(behind + 1)
    })
}

const fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

const fn is_closing(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'&' | b')' | b']' | b'}' | b'>' | b'<' | b'|') || is_quote(byte)
}

/// The end of a value without quotes. Secrets hold commas and brackets too, so these end it only
/// where nothing follows, or the next name does.
pub(super) fn word(text: &[u8], start: usize) -> usize {
    let mut place = start;
    while let Some(length) = mark::length(from(text, place)) {
        place += length;
    }
    loop {
        let byte = at(text, place);
        if byte <= b' ' || byte == 0x7f {
            return place;
        }
        if byte == b'%' && (goes_on(text, place, "%26") || goes_on(text, place, "%2526")) {
            return place;
        }
        if byte == b'%' && (goes_on(text, place, "%22") || goes_on(text, place, "%20")) {
            return place;
        }
        if byte == b'\\' {
            let ends = Quote::here(text, place).is_some()
                || ["\\u0026", "\\x26"].into_iter().any(|s| goes_on(text, place, s));
            if ends {
                return place;
            }
        }
        if is_closing(byte) {
            let behind = skip(text, place, |b| is_closing(b) || b == b'\\');
            if behind - place > RUN || ends(text, behind) {
                return place;
            }
            place = behind;
            continue;
        }
        place += 1;
    }
}

/// Whether a value is over before this place: blanks, the end, or another name with its value.
fn ends(text: &[u8], place: usize) -> bool {
    if at(text, place) <= b' ' || goes_on(text, place, "amp;") {
        return true;
    }
    let head = text.get(place..text.len().min(place + RUN)).unwrap_or_default();
    let end = place + head.iter().take_while(|b| is_name(**b)).count();
    end > place
        && (matches!(at(text, end), b'=' | b':' | b'\\' | b'(')
            || is_quote(at(text, end))
            || goes_on(text, end, "%3D"))
}
