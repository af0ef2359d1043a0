//! nginx's log lines, written whole or not at all.

use std::{fmt::Write as FormatWrite, io::Write, sync::Mutex};

use jiff::{Timestamp, Zoned, tz::TimeZone};

use crate::host::clock;

/// Bytes of one line (`NGX_MAX_ERROR_STR`).
const LINE: usize = 2_048;

/// How grave something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Emerg,
    Alert,
    Crit,
    Error,
    Notice,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Error => "error",
            Self::Notice => "notice",
        }
    }
}

/// The time now, in this host's zone.
pub(super) fn now() -> Zoned {
    let micros = clock::now().wall.0;
    Timestamp::from_microsecond(micros).unwrap_or_default().to_zoned(TimeZone::system())
}

/// Both logs, open for adding.
#[derive(Debug)]
pub(super) struct Logs {
    error: Option<Mutex<std::fs::File>>,
    access: Option<Mutex<std::fs::File>>,
    notices: bool,
}

impl Logs {
    pub(super) fn new(
        error: Option<std::fs::File>,
        access: Option<std::fs::File>,
        notices: bool,
    ) -> Self {
        Self { error: error.map(Mutex::new), access: access.map(Mutex::new), notices }
    }

    /// Writes to the error log; `connection` is the number of the client's connection.
    pub(super) fn error(&self, level: Level, connection: Option<u64>, words: &str) {
        if level == Level::Notice && !self.notices {
            return;
        }
        let pid = std::process::id();
        let stamp = now().strftime("%Y/%m/%d %H:%M:%S").to_string();
        let number = connection.map(|number| format!("*{number} ")).unwrap_or_default();
        let line = format!("{stamp} [{}] {pid}#{pid}: {number}{words}", level.word());
        write(self.error.as_ref(), line);
    }

    /// Writes to the access log.
    pub(super) fn access(&self, line: String) {
        write(self.access.as_ref(), line);
    }
}

fn write(file: Option<&Mutex<std::fs::File>>, mut line: String) {
    let Some(Ok(mut file)) = file.map(Mutex::lock) else { return };
    let mut end = line.len().min(LINE);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    line.push('\n');
    // What the disk refuses is lost, as it is with nginx.
    let _ = file.write_all(line.as_bytes());
}

/// A line of the format `combined`.
pub(super) fn combined(request: &str, status: &str, bytes: u64, agent: &str) -> String {
    let stamp = now().strftime("%d/%b/%Y:%H:%M:%S %z");
    let (request, agent) = (escape(request), escape(agent));
    format!("127.0.0.1 - - [{stamp}] \"{request}\" {status} {bytes} \"-\" \"{agent}\"")
}

/// As nginx writes variables: quotes, backslashes and what cannot be printed as `\xHH`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | 0x7f.. | ..0x20 => {
                let _ = FormatWrite::write_fmt(&mut out, format_args!("\\x{byte:02X}"));
            }
            _ => out.push(char::from(byte)),
        }
    }
    if out.is_empty() { "-".to_owned() } else { out }
}

/// Words of the C library for an error, with its number, as nginx writes them.
pub(super) fn errno(error: &std::io::Error) -> String {
    let number = error.raw_os_error().unwrap_or(0);
    let words = match number {
        2 => "No such file or directory",
        11 => "Resource temporarily unavailable",
        13 => "Permission denied",
        24 => "Too many open files",
        32 => "Broken pipe",
        91 => "Protocol wrong type for socket",
        98 => "Address already in use",
        99 => "Cannot assign requested address",
        101 => "Network is unreachable",
        104 => "Connection reset by peer",
        110 => "Connection timed out",
        111 => "Connection refused",
        113 => "No route to host",
        _ => {
            let all = error.to_string();
            let words = all.split(" (os error").next().unwrap_or_default().to_owned();
            return format!("{number}: {words}");
        }
    };
    format!("{number}: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_cannot_leave_its_field() {
        assert_eq!(escape("a\"b\\\u{1b}\u{e9}"), "a\\x22b\\x5C\\x1B\\xC3\\xA9");
        assert_eq!(escape(""), "-");
        let line = combined("GET / HTTP/1.1", "502", 157, "curl/8");
        assert!(line.ends_with("\"GET / HTTP/1.1\" 502 157 \"-\" \"curl/8\""), "{line}");
    }

    #[test]
    fn a_system_error_has_its_number_and_the_words_of_the_c_library() {
        let of = |number| errno(&std::io::Error::from_raw_os_error(number));
        assert_eq!(of(111), "111: Connection refused");
        assert_eq!(of(22), "22: Invalid argument");
    }
}
