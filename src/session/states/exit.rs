//! How a program ended, in plain words.

/// Exit statuses that mean the same everywhere: systemd's own
/// (<https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Process%20Exit%20Codes>),
/// those of shells and of Docker, and sysexits(3).
const STATUSES: &[(i64, &str)] = &[
    (0, "it ended by itself"),
    (1, "the program ended with an error"),
    (2, "the program was called wrongly or failed early"),
    (78, "its configuration is wrong"),
    (125, "Docker could not start it"),
    (126, "the program may not be run"),
    (127, "the program was not found"),
    (200, "its working directory cannot be entered"),
    (203, "the program file is missing or may not be run"),
    (216, "its group does not exist"),
    (217, "its user does not exist"),
    (226, "systemd could not set up its name space"),
    (233, "its runtime directory could not be made"),
    (238, "its state directory could not be made"),
    (243, "its credentials could not be read"),
];

/// Signals, with what they say when they end a program.
const SIGNALS: &[(i32, &str, &str)] = &[
    (1, "SIGHUP", "its terminal or manager hung up"),
    (2, "SIGINT", "asked to stop"),
    (3, "SIGQUIT", "asked to stop"),
    (4, "SIGILL", "crashed"),
    (5, "SIGTRAP", "crashed"),
    (6, "SIGABRT", "gave up by itself"),
    (7, "SIGBUS", "crashed"),
    (8, "SIGFPE", "crashed"),
    (9, "SIGKILL", "killed"),
    (11, "SIGSEGV", "crashed"),
    (13, "SIGPIPE", "wrote to somebody who was gone"),
    (15, "SIGTERM", "asked to stop"),
    (24, "SIGXCPU", "used up its CPU time"),
    (31, "SIGSYS", "made a forbidden system call"),
];

/// A signal that ended a program: `asked to stop (SIGTERM)`.
pub fn signal_words(signal: i32) -> String {
    let known = SIGNALS.iter().find(|(number, ..)| *number == signal);
    known.map_or_else(
        || format!("ended by signal {signal}"),
        |(_, name, says)| format!("{says} ({name})"),
    )
}

/// An exit status: `exit 1: the program ended with an error`, `143: asked to stop (SIGTERM)`.
pub fn exit_words(status: i64) -> String {
    if let Some((_, says)) = STATUSES.iter().find(|(number, _)| *number == status) {
        return format!("exit {status}: {says}");
    }
    // A shell and Docker add 128 to the signal that ended the program.
    match i32::try_from(status - 128) {
        Ok(signal @ 1..=64) => format!("{status}: {}", signal_words(signal)),
        _ => format!("exit {status}: the program ended with an error of its own"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_told_in_words_that_need_no_table() {
        assert_eq!(exit_words(1), "exit 1: the program ended with an error");
        assert_eq!(exit_words(143), "143: asked to stop (SIGTERM)");
        assert_eq!(exit_words(137), "137: killed (SIGKILL)");
        assert_eq!(exit_words(203), "exit 203: the program file is missing or may not be run");
        assert_eq!(exit_words(42), "exit 42: the program ended with an error of its own");
        assert_eq!(
            exit_words(i64::MAX),
            format!("exit {}: the program ended with an error of its own", i64::MAX)
        );
        assert_eq!(signal_words(11), "crashed (SIGSEGV)");
        assert_eq!(signal_words(-4), "ended by signal -4");
    }
}
