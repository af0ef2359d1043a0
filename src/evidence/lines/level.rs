//! How bad a line says it is: programs write it in many ways.

use crate::observation::Program;

/// A level is looked for in the first bytes of a line.
const LOOKED_AT: usize = 200;

/// How bad a line says it is, the mildest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It does not say.
    #[default]
    Unknown,
    /// For who writes the program.
    Debug,
    /// In order.
    Info,
    /// In order, and worth knowing.
    Notice,
    /// Not in order.
    Warn,
    /// Something failed.
    Error,
    /// More than one thing failed: `crit`, `alert`, `emerg`, `fatal`, `panic`.
    Crit,
}

impl Level {
    /// Its word on screen; empty when the line does not say.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Crit => "crit",
        }
    }

    /// Whether something failed.
    pub fn is_error(self) -> bool {
        self >= Self::Error
    }

    /// What a line of a program says.
    pub(crate) fn of(program: Program, text: &str) -> Self {
        let mut end = text.len().min(LOOKED_AT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let start = text.get(..end).unwrap_or_default();
        match program {
            Program::Systemd => systemd(start),
            Program::Kernel => kernel(start),
            _ => written(start),
        }
    }
}

/// systemd does not write its levels into the text.
fn systemd(text: &str) -> Level {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["Failed ", "failed", "code=dumped", "code=killed", "oom-kill"]) {
        Level::Error
    } else if has(&["code=exited, status=", "timed out", "Scheduled restart job"]) {
        Level::Warn
    } else {
        Level::Info
    }
}

/// Kernel records that get here are those of trouble.
fn kernel(text: &str) -> Level {
    let dead = ["Out of memory", "oom-kill", "segfault", "general protection", "panic"];
    if dead.iter().any(|word| text.contains(word)) { Level::Error } else { Level::Warn }
}

/// The first word that is surely meant as a level.
fn written(text: &str) -> Level {
    if let Some(level) = numbered(text) {
        return level;
    }
    let bytes = text.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(b' ');
    let mut from = 0;
    while from < bytes.len() {
        if !at(from).is_ascii_alphabetic() {
            from += 1;
            continue;
        }
        let mut to = from;
        while at(to).is_ascii_alphabetic() {
            to += 1;
        }
        let word = text.get(from..to).unwrap_or_default();
        if let Some(level) = named(word) {
            let before = if from == 0 { b' ' } else { at(from - 1) };
            let after = at(to);
            let loud = word.bytes().all(|b| b.is_ascii_uppercase())
                && !matches!(before, b'/' | b'=' | b'-' | b'_' | b'.')
                && !matches!(after, b'/' | b'_' | b'-' | b'=');
            // `[proxy:error]` of Apache.
            let framed = matches!(before, b'[' | b'<' | b'(')
                && matches!(after, b']' | b'>' | b')' | b':')
                || before == b':' && after == b']';
            if loud
                || framed
                || is_keyed(text.get(..from).unwrap_or_default())
                || from == 0 && after == b':'
            {
                return level;
            }
        }
        from = to;
    }
    if raised(text) { Level::Error } else { Level::Unknown }
}

fn named(word: &str) -> Option<Level> {
    const NAMES: [(&str, Level); 19] = [
        ("trace", Level::Debug),
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("information", Level::Info),
        ("notice", Level::Notice),
        ("warn", Level::Warn),
        ("warning", Level::Warn),
        ("err", Level::Error),
        ("error", Level::Error),
        ("eror", Level::Error),
        ("severe", Level::Error),
        ("exception", Level::Error),
        ("crit", Level::Crit),
        ("critical", Level::Crit),
        ("alert", Level::Crit),
        ("emerg", Level::Crit),
        ("emergency", Level::Crit),
        ("fatal", Level::Crit),
        ("panic", Level::Crit),
    ];
    NAMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, level)| *level)
}

/// Whether the text ends in `level=`, `"level":"` and the like.
fn is_keyed(before: &str) -> bool {
    let key = before.trim_end_matches(['"', '\'', ' ']);
    let Some(key) = key.strip_suffix([':', '=']) else { return false };
    let key = key.trim_end_matches(['"', '\'', ' ']).to_ascii_lowercase();
    ["level", "lvl", "severity", "levelname"].iter().any(|name| key.ends_with(name))
}

/// Loggers of Node.js write `"level":50`.
fn numbered(text: &str) -> Option<Level> {
    let rest = text.split_once("\"level\":")?.1.trim_start();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).take(4).collect();
    Some(match digits.parse::<u32>().ok()? {
        0..30 => Level::Debug,
        30..40 => Level::Info,
        40..50 => Level::Warn,
        50..60 => Level::Error,
        _ => Level::Crit,
    })
}

/// Whether a line begins as runtimes write what nobody caught: `TypeError: …`, `panic: …`.
fn raised(text: &str) -> bool {
    let head = text.split_whitespace().next().unwrap_or_default();
    let class = head.strip_suffix(':').unwrap_or_default();
    class.ends_with("Error")
        || class.ends_with("Exception")
        || text.starts_with("Traceback (most recent call last)")
        || text.starts_with("Fatal error")
        || text.starts_with("Uncaught ")
        || text.starts_with("thread '") && text.contains("' panicked at")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_level_is_read_as_each_program_writes_it() {
        let of = |text: &str| Level::of(Program::Application, text);
        let nginx = "2026/11/20 18:17:42 [error] 9#9: *3 connect() failed";
        assert_eq!(Level::of(Program::Nginx, nginx), Level::Error);
        let fpm = "[20-Nov-2026 18:31:11] WARNING: [pool www] server reached pm.max_children";
        assert_eq!(Level::of(Program::PhpFpm, fpm), Level::Warn);
        assert_eq!(of("2026-11-20 14:02:31,123 CRITICAL worker gone"), Level::Crit);
        assert_eq!(of(r#"{"level":50,"msg":"x"}"#), Level::Error);
        assert_eq!(of(r#"{"ts":1,"level":"warn","msg":"x"}"#), Level::Warn);
        assert_eq!(of("time=x level=info msg=started"), Level::Info);
        assert_eq!(of("TypeError: x is not a function"), Level::Error);
        assert_eq!(of("error: bind failed"), Level::Error);
        assert_eq!(
            Level::of(
                Program::Systemd,
                "app.service: Main process exited, code=killed, status=9/KILL"
            ),
            Level::Error
        );
    }

    #[test]
    fn a_word_that_only_stands_in_a_sentence_is_no_level() {
        for text in ["no error was found", "GET /ERROR/page 200", "an information desk", "errors=0"]
        {
            assert_eq!(Level::of(Program::Application, text), Level::Unknown, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_text_has_a_level(text in any::<String>()) {
            for program in [Program::Application, Program::Systemd, Program::Kernel] {
                let _ = Level::of(program, &text);
            }
        }
    }
}
