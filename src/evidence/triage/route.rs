//! Requests folded to what they ask for: without the query, with ids as `:n` and `:id`.

/// Longest folded request, in bytes.
const LONGEST: usize = 160;
/// Parts of a path that are told apart.
const PARTS: usize = 10;
/// What stands behind the last dot of a name is its extension up to this length, in bytes; more is
/// part of the name.
const EXTENSION: usize = 16;

/// `GET /order/123/items/550e8400-e29b-41d4-a716-446655440000?x` becomes `GET /order/:n/items/:id`.
/// `out` is overwritten.
pub(super) fn route(words: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let path = memchr::memchr(b'/', words).unwrap_or(words.len());
    let (method, rest) = words.split_at(path);
    out.extend_from_slice(method.get(..40).unwrap_or(method));
    // A whole URL: its host stays.
    let end = memchr::memchr2(b'?', b'#', rest).unwrap_or(rest.len());
    let mut parts = rest.get(..end).unwrap_or_default().split(|byte| *byte == b'/');
    parts.next();
    for (count, part) in parts.enumerate() {
        if count == PARTS || out.len() + part.len().min(48) > LONGEST {
            out.extend_from_slice("/…".as_bytes());
            return;
        }
        out.push(b'/');
        folded(part, out);
    }
}

fn folded(part: &[u8], out: &mut Vec<u8>) {
    let dot = part.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0);
    let dot = dot.filter(|at| part.len() - at <= EXTENSION);
    let (stem, extension) = part.split_at(dot.unwrap_or(part.len()));
    let letters = |text: &[u8]| text.iter().filter(|b| b.is_ascii_alphabetic()).count() > 0;
    if letters(extension) || extension.is_empty() {
        match kind(stem) {
            Some(kind) => {
                out.extend_from_slice(kind);
                out.extend_from_slice(extension.get(..12).unwrap_or(extension));
                return;
            }
            None if stem.len() <= 48 => {
                return out.extend_from_slice(part);
            }
            None => {}
        }
    } else if let Some(kind) = kind(part) {
        return out.extend_from_slice(kind);
    }
    if part.len() > 48 {
        out.extend_from_slice(b":long");
    } else {
        out.extend_from_slice(part);
    }
}

/// What a part of a path is when it is somebody's id.
fn kind(part: &[u8]) -> Option<&'static [u8]> {
    let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
    if part.is_empty() || digits == 0 {
        return None;
    }
    let all = |of: fn(&u8) -> bool| part.iter().all(of);
    if digits == part.len() || (digits > 0 && all(|b| b.is_ascii_digit() || b"-.,_:".contains(b))) {
        return Some(b":n");
    }
    if part.len() >= 8 && all(|b| b.is_ascii_hexdigit() || *b == b'-') {
        return Some(b":id");
    }
    let word = all(|b| b.is_ascii_alphanumeric() || b"-_~=+%".contains(b));
    (part.len() >= 20 && digits >= 4 && word).then_some(b":id")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(words: &str) -> String {
        let mut out = Vec::new();
        route(words.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ids_are_folded_and_names_are_not() {
        for (words, expected) in [
            ("GET /order/123", "GET /order/:n"),
            (
                "GET /order/123/items/550e8400-e29b-41d4-a716-446655440000?x=1",
                "GET /order/:n/items/:id",
            ),
            ("GET /img/4711.jpg", "GET /img/:n.jpg"),
            ("GET /assets/app-3f2a9c1b7d.js", "GET /assets/app-3f2a9c1b7d.js"),
            ("GET /c/3f2a9c1b7d", "GET /c/:id"),
            ("POST /api/v2/login", "POST /api/v2/login"),
            ("GET /2026/11/20/a-b", "GET /:n/:n/:n/a-b"),
            ("GET /", "GET /"),
            ("GET /feed", "GET /feed"),
            ("\\x16\\x03", "\\x16\\x03"),
        ] {
            assert_eq!(folded(words), expected, "{words}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_become_something_short_and_folding_twice_changes_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let (mut once, mut twice) = (Vec::new(), Vec::new());
            route(&bytes, &mut once);
            prop_assert!(once.len() <= LONGEST + 120);
            route(&once, &mut twice);
            prop_assert_eq!(once, twice);
        }
    }
}
