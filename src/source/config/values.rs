//! Times and sizes as nginx writes them.

/// A time in milliseconds as `ngx_parse_time` reads it: units `y M w d h m s ms` in falling
/// order, a bare number at the end counts seconds. `None` for what nginx refuses.
pub(super) fn time_ms(text: &[u8]) -> Option<u64> {
    let mut rest = text;
    let mut total = 0_u64;
    // Length of the smallest unit so far: the next one must be smaller.
    let mut smallest = u64::MAX;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, tail) = rest.split_at_checked(digits)?;
        let number: u64 = std::str::from_utf8(number).ok()?.parse().ok()?;
        let (unit, length) = match tail {
            [b'm', b's', ..] => (1, 2),
            [b'y', ..] => (365 * 86_400_000, 1),
            [b'M', ..] => (30 * 86_400_000, 1),
            [b'w', ..] => (7 * 86_400_000, 1),
            [b'd', ..] => (86_400_000, 1),
            [b'h', ..] => (3_600_000, 1),
            [b'm', ..] => (60_000, 1),
            [b's', ..] => (1_000, 1),
            [b' ', ..] | [] => (1_000, 0),
            _ => return None,
        };
        if unit >= smallest {
            return None;
        }
        smallest = unit;
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = tail.get(length..)?;
        while let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
        }
    }
    Some(total)
}

/// A size in bytes as `ngx_parse_size` reads it: a number with `k` or `m` behind it.
pub(super) fn size(text: &[u8]) -> Option<u64> {
    let (digits, unit) = match text {
        [digits @ .., b'k' | b'K'] => (digits, 1 << 10),
        [digits @ .., b'm' | b'M'] => (digits, 1 << 20),
        digits => (digits, 1),
    };
    number(digits)?.checked_mul(unit)
}

/// A plain decimal number.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_as_nginx_reads_them() {
        let table: &[(&str, Option<u64>)] = &[
            ("60", Some(60_000)),
            ("0", Some(0)),
            ("60s", Some(60_000)),
            ("500ms", Some(500)),
            ("1m30s", Some(90_000)),
            ("1m 30s", Some(90_000)),
            ("1h", Some(3_600_000)),
            ("1d", Some(86_400_000)),
            ("1s500ms", Some(1_500)),
            ("30s1m", None),
            ("1s1s", None),
            ("", None),
            ("s", None),
            ("-1", None),
            ("1.5s", None),
            ("$t", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in table {
            assert_eq!(time_ms(text.as_bytes()), *expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_nginx_reads_them() {
        let table: &[(&str, Option<u64>)] = &[
            ("4096", Some(4096)),
            ("8k", Some(8192)),
            ("8K", Some(8192)),
            ("1m", Some(1 << 20)),
            ("k", None),
            ("1g", None),
            ("", None),
            ("18446744073709551615m", None),
        ];
        for (text, expected) in table {
            assert_eq!(size(text.as_bytes()), *expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: Vec<u8>) {
            let _ = (time_ms(&text), size(&text), number(&text));
        }
    }
}
