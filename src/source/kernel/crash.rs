//! Crashes of processes, as x86 and arm64 kernels log them.

/// Pid and name of the process that a record says has crashed.
///
/// Forms: `NAME[PID]: segfault at …`, `traps: NAME[PID] general protection fault …`,
/// `traps: NAME[PID] trap invalid opcode …` (arch/x86/mm/fault.c, arch/x86/kernel/traps.c),
/// `NAME[PID]: unhandled … fault …` (arch/arm64/kernel/traps.c). The name may hold anything, so
/// the number in front of the fixed words decides where it ends.
pub(super) fn parse(message: &str) -> Option<(u32, &str)> {
    if let Some(traps) = message.strip_prefix("traps: ") {
        return named(traps, "] general protection fault").or_else(|| named(traps, "] trap "));
    }
    named(message, "]: segfault at ").or_else(|| named(message, "]: unhandled "))
}

/// Splits `NAME[PID` before the first `words` that follow such a number.
fn named<'a>(text: &'a str, words: &str) -> Option<(u32, &'a str)> {
    text.match_indices(words).find_map(|(at, _)| {
        let (name, pid) = text.get(..at)?.rsplit_once('[')?;
        let digits = !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
        // A command name has at most 15 bytes; a longer one is text that only looks alike.
        (digits && name.len() <= 64).then_some((pid.parse().ok()?, name))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn every_form_of_a_crash_is_read() {
        for (line, pid, name) in [
            (
                "php-fpm8.2[123]: segfault at 0 ip 00007f sp 00007f error 4 in libc.so.6[7f+1]",
                123,
                "php-fpm8.2",
            ),
            ("traps: node[7] general protection fault ip:5 sp:7 error:0 in node[4+1]", 7, "node"),
            ("traps: a b[1] trap invalid opcode ip:5 sp:7 error:0 in x[4+1]", 1, "a b"),
            ("traps: x[2] trap divide error ip:5 sp:7 error:0", 2, "x"),
            ("x[9]: unhandled level 2 translation fault (11) at 0x00000000, esr 0x9", 9, "x"),
        ] {
            assert_eq!(parse(line), Some((pid, name)), "{line}");
        }
    }

    #[test]
    fn a_name_that_imitates_the_line_does_not_choose_the_pid() {
        assert_eq!(parse("]: segfault at [12]: segfault at 0 ip 1"), Some((12, "]: segfault at ")));
        assert_eq!(parse("x[1]: segfault [12]: segfault at 0"), Some((12, "x[1]: segfault ")));
        assert_eq!(
            parse("evil[12]: segfault at 0 ip 1 in nginx[1]: segfault at [1+2]"),
            Some((12, "evil"))
        );
        assert_eq!(parse("usb 1-1: device segfault at port"), None);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,200}") {
            let _ = parse(&text);
            let _ = parse(&format!("traps: {text}[1] trap {text}"));
        }
    }
}
