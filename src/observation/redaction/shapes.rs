//! Secrets that are known by their shape, whatever stands before them.

use std::sync::LazyLock;

use regex::Regex;

use super::bytes::{at, before, from, goes_on, skip};

static SHAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let all = [
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}",
        r"(?:AKIA|ASIA)[A-Z0-9]{16}",
        r"gh[pousr]_[A-Za-z0-9]{20,}",
        r"github_pat_[A-Za-z0-9_]{20,}",
        r"glpat-[A-Za-z0-9_-]{16,}",
        r"xox[abeprs]-[A-Za-z0-9-]{10,}",
        r"[sr]k_(?:live|test)_[A-Za-z0-9_]{10,}",
        r"sk-[A-Za-z0-9_-]{20,}",
        r"whsec_[A-Za-z0-9+/=]{16,}",
        r"AIza[A-Za-z0-9_-]{30,}",
        r"ya29\.[A-Za-z0-9_-]{20,}",
        r"npm_[A-Za-z0-9]{30,}",
        r"pypi-[A-Za-z0-9_-]{30,}",
        r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"hvs\.[A-Za-z0-9_-]{20,}",
        r"dop_v1_[a-f0-9]{40,}",
        r"hf_[A-Za-z0-9]{30,}",
        r"AGE-SECRET-KEY-1[A-Z0-9]{50,}",
        // The beginnings of DER and of OpenSSH's keys, in base64.
        r"MII[A-Za-z0-9+/]{50,}={0,2}",
        r"b3BlbnNzaC1rZXk[A-Za-z0-9+/]{30,}={0,2}",
        // Hashes of passwords, as they stand in lists of users.
        r"JDJ[A-Za-z0-9+/]{50,}={0,2}",
        r"\{(?i:S?SHA(?:256|384|512)?|CRYPT)\}[A-Za-z0-9+/=$.]{8,}",
        r"\$(?:[1567y]|gy|2[abxy]|apr1|argon2[a-z]{1,2}|pbkdf2[a-z0-9-]*|scrypt)\$[A-Za-z0-9./+=,_-]+\$[A-Za-z0-9$./+=,_-]{16,}",
        r"\$[PH]\$[A-Za-z0-9./]{20,}",
    ]
    .join("|");
    Regex::new(&format!(r"\A(?-u:{all})")).ok()
});

const HOOK: &str = "hooks.slack.com/services/";

/// The end of the thing with a shape that begins here.
pub(super) fn shape(text: &str, place: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if goes_on(bytes, place, HOOK) {
        let end = skip(bytes, place + HOOK.len(), |b| b.is_ascii_alphanumeric() || b == b'/');
        return (end > place + HOOK.len()).then_some(end);
    }
    if !is_free(bytes, place) {
        return None;
    }
    let found = SHAPES.as_ref()?.find(text.get(place..)?)?;
    Some(place + found.end())
}

/// Whether no word ends here: each run of letters is then tried once.
fn is_free(text: &[u8], place: usize) -> bool {
    let byte = before(text, place);
    let escaped = || {
        let head = place.checked_sub(3).and_then(|start| text.get(start..place));
        head.is_some_and(|head| {
            head.first() == Some(&b'%') && head.iter().skip(1).all(u8::is_ascii_hexdigit)
        })
    };
    !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) || escaped()
}

/// The credential behind `Basic ` or `Bearer `, when what follows is no word of a sentence.
pub(super) fn credential(text: &[u8], place: usize) -> (usize, bool) {
    let fits = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'.' | b'_' | b'~' | b'+' | b'/' | b'-' | b'=' | b'%')
    };
    let end = skip(text, place, fits);
    let inside = text.get(place..end).unwrap_or_default();
    let odd = |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase() || *b == b'=';
    let is_word = !inside.iter().skip(1).any(odd);
    (end, inside.len() >= 8 && !is_word)
}

/// Finds the numbers of payment cards: digits alone, or in the groups that are printed on one.
pub(super) fn cards(text: &[u8], found: &mut dyn FnMut(usize, usize)) {
    let mut digits = 0_usize;
    let mut start = 0;
    for (n, byte) in text.iter().chain(&[0]).enumerate() {
        if byte.is_ascii_digit() {
            start = if digits == 0 { n } else { start };
            digits += 1;
            continue;
        }
        if digits > 0 && matches!(byte, b' ' | b'-') && at(text, n + 1).is_ascii_digit() {
            continue;
        }
        if digits >= 14 {
            card(text, start, n, found);
        }
        digits = 0;
    }
}

/// A run of digits with single blanks or dashes: whole groups of it may be a card.
fn card(text: &[u8], start: usize, end: usize, found: &mut dyn FnMut(usize, usize)) {
    const FORMS: [&[usize]; 8] =
        [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[19], &[16], &[15], &[14]];
    let run = text.get(start..end).unwrap_or_default();
    let groups: Vec<&[u8]> = run.split(|b| matches!(b, b' ' | b'-')).collect();
    let mut first = 0;
    let mut place = start;
    while let Some(group) = groups.get(first) {
        let form = FORMS.into_iter().find_map(|form| {
            let all = groups.get(first..first + form.len())?;
            let sizes = all.iter().map(|group| group.len());
            let digits = || all.concat().iter().map(|b| b - b'0').collect::<Vec<u8>>();
            let fits = sizes.eq(form.iter().copied());
            (fits && is_card(&digits())).then_some(form)
        });
        let groups = form.map_or(1, <[usize]>::len);
        let length = form.map_or(group.len(), |form| form.iter().sum::<usize>() + form.len() - 1);
        let joined = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let alone = !joined(before(text, place))
            && !matches!(before(text, place), b'.' | b'-')
            && !joined(at(text, place + length));
        if form.is_some() && alone {
            found(place, place + length);
        }
        (first, place) = (first + groups, place + length + 1);
    }
}

fn is_card(digits: &[u8]) -> bool {
    is_issued(digits) && luhn(digits)
}

fn is_issued(digits: &[u8]) -> bool {
    let head = digits.iter().take(4).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
    match digits.len() {
        14 => matches!(head, 3000..=3059 | 3600..=3699 | 3800..=3899),
        15 => matches!(head, 3400..=3499 | 3700..=3799),
        16 => {
            matches!(head, 4000..=4999 | 5100..=5599 | 2221..=2720 | 6011 | 6200..=6299 | 6440..=6599 | 3528..=3589)
        }
        19 => matches!(head, 4000..=4999 | 6200..=6299),
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| {
            let digit = u32::from(*digit);
            let twice = if n % 2 == 1 { digit * 2 } else { digit };
            if twice > 9 { twice - 9 } else { twice }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// What stands between the head and the end of a private key, from behind `-----BEGIN `.
pub(super) fn private_key(text: &[u8], place: usize) -> Option<(usize, usize)> {
    let head = text.get(place..text.len().min(place + 48)).unwrap_or_default();
    let label = memchr::memmem::find(head, b"PRIVATE KEY")?;
    let start = skip(text, place + label, |b| b != b'-');
    let start = skip(text, start, |b| b == b'-');
    let rest = from(text, start);
    let end = memchr::memmem::find(rest, b"-----END").unwrap_or(rest.len());
    Some((start, start + end))
}

/// Whether a whole line is one of a key's body: nothing but base64, with all kinds of it.
pub(super) fn is_key_body(text: &str) -> bool {
    let line = text.trim();
    let bytes = line.bytes();
    if !(40..=80).contains(&line.len()) {
        return false;
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let mut kinds = [false; 3];
    let mut slashes = 0;
    for byte in bytes {
        if !fits(byte) {
            return false;
        }
        kinds[0] |= byte.is_ascii_lowercase();
        kinds[1] |= byte.is_ascii_uppercase();
        kinds[2] |= byte.is_ascii_digit();
        slashes += usize::from(byte == b'/');
    }
    // A path has more slashes.
    kinds == [true; 3] && slashes < 6
}
