//! Arguments in PHP's stack traces: `#0 /srv/db.php(7): PDO->__construct('mysql:host=db', 'shop',
//! 'secret')`. They have no name; the function says that one of them is secret.

use memchr::{memchr, memchr_iter, memmem};

use super::bytes::{at, from, is_name, skip};

/// Longest way from a frame's number to the arguments of its function, in bytes.
const HEAD: usize = 512;
/// Frames that are looked into, of one text.
const MOST: usize = 200;

/// Parts of the names of functions that are given secrets.
const GIVEN: [&str; 16] = [
    "connect",
    "__construct",
    "pass",
    "auth",
    "login",
    "bind",
    "crypt",
    "hash",
    "hmac",
    "token",
    "secret",
    "credential",
    "attempt",
    "verify",
    "sign",
    "imap_open",
];
/// Of these the first argument says where to.
const PLACES: [&str; 4] = ["connect", "__construct", "bind", "imap_open"];

/// Tells where such arguments stand.
pub(super) fn arguments(text: &str, found: &mut dyn FnMut(usize, usize)) {
    let bytes = text.as_bytes();
    let mut done = 0;
    let mut frames = 0_usize;
    for place in memchr_iter(b'#', bytes) {
        let number = skip(bytes, place + 1, |b| b.is_ascii_digit());
        if place < done || number == place + 1 || at(bytes, number) != b' ' {
            continue;
        }
        frames += 1;
        if frames > MOST {
            found(place, bytes.len());
            return;
        }
        if let Some((name, open)) = call(bytes, number) {
            done = strings(bytes, name, open + 1, found);
        }
    }
}

/// The name of the function of a frame, and where its arguments open.
fn call(bytes: &[u8], place: usize) -> Option<(&[u8], usize)> {
    let head = bytes.get(place..bytes.len().min(place + HEAD))?;
    let line = head.get(..memchr(b'\n', head).unwrap_or(head.len()))?;
    let start = memmem::find(line, b": ")? + 2;
    let open = start + memchr(b'(', line.get(start..)?)?;
    let name = line.get(start..open)?;
    let fits = |b: &u8| is_name(*b) || matches!(b, b'\\' | b':' | b'>' | b'{' | b'}' | b'$' | b'@');
    name.iter().all(fits).then_some((name, place + open))
}

/// The strings among the arguments; gives where they end.
fn strings(bytes: &[u8], name: &[u8], start: usize, found: &mut dyn FnMut(usize, usize)) -> usize {
    let name = name.to_ascii_lowercase();
    let has = |part: &&str| memmem::find(&name, part.as_bytes()).is_some();
    let is_given = GIVEN.iter().any(|part| has(&part));
    let mut spare = PLACES.iter().any(|part| has(&part));
    let mut place = start;
    loop {
        if at(bytes, place) == b'\'' {
            let rest = from(bytes, place + 1);
            let line = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..line).unwrap_or_default();
            let ends = [&b"', "[..], b"')"].map(|end| memmem::find(line, end));
            let length = ends.into_iter().flatten().min().unwrap_or(line.len());
            let end = place + 1 + length;
            if is_given && !std::mem::take(&mut spare) {
                found(place + 1, end);
            }
            place = end + 1;
        } else {
            spare = false;
        }
        place = skip(bytes, place, |b| !matches!(b, b',' | b')' | b'\n'));
        if at(bytes, place) != b',' {
            return place;
        }
        place = skip(bytes, place + 1, |b| b == b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn a_password_among_the_arguments_of_a_frame_is_taken_and_the_place_stays() {
        for (line, said) in [
            (
                "#0 /srv/db.php(7): PDO->__construct('mysql:host=db', 'shop', 'hunter2')",
                "#0 /srv/db.php(7): PDO->__construct('mysql:host=db', '[redacted]', '[redacted]')",
            ),
            (
                "x #1 [internal function]: mysqli_connect('db', 'shop', 'hun'ter2', Object(A)) y",
                "x #1 [internal function]: mysqli_connect('db', '[redacted]', '[redacted]', Object(A)) y",
            ),
            (
                "#12 /srv/a.php(3): App\\Users::login('ada', 'hunter2...', Array, 3, NULL)",
                "#12 /srv/a.php(3): App\\Users::login('[redacted]', '[redacted]', Array, 3, NULL)",
            ),
        ] {
            assert_eq!(redact(line), said);
            assert_eq!(redact(said), said);
        }
    }

    #[test]
    fn other_frames_and_numbers_stay_as_they_are() {
        for line in [
            "#0 /srv/a.php(3): render('cart.html', Array)",
            "#3 {main}",
            "issue #12 is open: connect ('now')",
            "2026/11/26 12:00:00 [error] 7#7: *9 connect() failed (111: Connection refused)",
        ] {
            assert_eq!(redact(line), line);
        }
    }

    #[test]
    fn a_flood_of_frames_is_taken_as_a_whole() {
        let line = "#1 a: b('c') ".repeat(300);
        assert!(redact(&line).trim_end().ends_with("[redacted]"));
    }
}
