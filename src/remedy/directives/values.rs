//! Times and sizes as nginx reads them (`ngx_parse_time`, `ngx_parse_size`).

/// Longest sensible wait for an upstream, seconds.
const DAY: u64 = 86_400;

/// A time in milliseconds, or what is wrong with it.
pub(super) fn time(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let number: u64 = number.parse().map_err(|_| format!("{text} is no time: 60s, 500ms, 2m"))?;
    let each = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY * 1_000,
        "w" | "M" | "y" => {
            return Err(format!("{text} keeps a dead connection for weeks: use s or m"));
        }
        _ => return Err(format!("{text} is no time: 60s, 500ms, 2m")),
    };
    let millis = number.saturating_mul(each);
    match millis {
        0 => Err("0 gives up at once".to_owned()),
        n if n > DAY * 1_000 => Err(format!("{text} is longer than a day")),
        n => Ok(n),
    }
}

/// A size in bytes, or what is wrong with it.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let wrong = || format!("{text} is no size: 4k, 128k, 1m");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let shift = match unit {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_that_nobody_means_are_refused() {
        assert_eq!(time("60"), Ok(60_000));
        assert_eq!(time("500ms"), Ok(500));
        assert_eq!(time("2m"), Ok(120_000));
        for wrong in ["0", "0s", "-1", "1y", "1M", "", "s", "5x", "2d", "99999999999999999999"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_read_as_nginx_reads_them() {
        assert_eq!(size("128k"), Ok(131_072));
        assert_eq!(size("1M"), Ok(1 << 20));
        for wrong in ["", "k", "-1", "4kb", "1.5m", "99999999999g"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_value_fail_hard(text in ".{0,24}") {
            let _ = (time(&text), size(&text));
        }
    }
}
