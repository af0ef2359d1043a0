//! Reader of one line of Apache's error log.
//!
//! The default format is `[STAMP] [MODULE:LEVEL] [pid N:tid N] (ERRNO)WORDS: [client C] AHNNNNN:
//! MESSAGE, referer: …` (`ErrorLogFormat`); others change what stands before the message. Apache
//! escapes what a client sends, so a line is one line, but foreign text stands inside messages and
//! behind them: only the first `AH` code counts, addresses are read where that code puts them, and
//! what other modules let applications write is none of Apache's own.

use std::sync::LazyLock;

use regex::Regex;

use super::nginx_line::Phase;
use crate::observation::{Address, Protocol, Text};

/// Modules that write an application's own text.
const FOREIGN: [&str; 9] =
    ["php", "cgi", "fcgid", "wsgi", "perl", "lua", "python", "security", "dumpio"];

/// How far into a line the code may stand.
const HEAD: usize = 1_000;

/// Codes with the words before the address, and what Apache was doing.
const PLACES: [(&str, &str, Phase); 16] = [
    ("AH00957", "connect to ", Phase::Connecting),
    ("AH02454", "Unix domain socket ", Phase::Connecting),
    ("AH00959", "worker for (", Phase::Connecting),
    ("AH00940", "connection for (", Phase::Connecting),
    ("AH00961", "support for ", Phase::Handshaking),
    ("AH01114", "", Phase::Connecting),
    ("AH01079", "", Phase::Connecting),
    ("AH00896", "", Phase::Connecting),
    ("AH10101", "", Phase::Connecting),
    ("AH01102", "remote server ", Phase::ReadingHeader),
    ("AH01105", "remote server ", Phase::ReadingHeader),
    ("AH01084", "failed to ", Phase::SendingRequest),
    ("AH01097", "failed to ", Phase::SendingRequest),
    ("AH00878", "from ", Phase::ReadingHeader),
    ("AH01075", "", Phase::ReadingHeader),
    ("AH01030", "", Phase::ReadingHeader),
];

/// One line of the error log, taken apart. Every text is hostile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApacheLine {
    /// `proxy_http`, `ssl`, … when the format names it.
    pub module: Option<Text>,
    /// `error`, `warn`, …
    pub level: Option<Text>,
    /// Process and thread.
    pub thread: Option<(u32, Option<u64>)>,
    /// The client's address and port.
    pub client: Option<Text>,
    /// The message with its code, without what stands before it.
    pub message: Text,
    /// The code, such as `AH00957`; empty when there is none.
    pub code: Text,
    /// The system's error number.
    pub errno: Option<i32>,
    /// What Apache was doing.
    pub phase: Option<Phase>,
    /// The backend's address, when the line says it whole.
    pub address: Option<Address>,
    /// The backend's host, when the line says no more.
    pub host: Option<Text>,
    /// Path of the request, when the message has it.
    pub path: Option<Text>,
}

impl ApacheLine {
    /// What was spoken to the backend, when the module or the message tells.
    pub fn protocols(&self) -> Option<&'static [Protocol]> {
        match self.module.as_ref().map(Text::raw)? {
            "proxy_http" | "proxy_http2" | "proxy_wstunnel" | "ssl" => {
                Some(&[Protocol::Http, Protocol::Https])
            }
            "proxy_fcgi" => Some(&[Protocol::Fastcgi]),
            "proxy_ajp" => Some(&[Protocol::Ajp]),
            "proxy_uwsgi" => Some(&[Protocol::Uwsgi]),
            "proxy_scgi" => Some(&[Protocol::Scgi]),
            _ => None,
        }
    }

    /// Whether the line is about one request to one backend, so that leaving the backend out would
    /// lose something.
    pub fn is_about_backend(&self) -> bool {
        self.phase.is_some() || self.module.as_ref().is_some_and(|m| m.raw().starts_with("proxy"))
    }
}

static CODE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern =
        r"(?:\(\w[\w ]{0,10}\)[^:]{1,80}: )?(?:\[(?:client|remote) [^\]]{1,80}\] )?AH\d{5}: ";
    Regex::new(pattern).ok()
});

struct Head<'a> {
    module: Option<&'a str>,
    level: Option<&'a str>,
    thread: Option<(u32, Option<u64>)>,
    client: Option<&'a str>,
    remote: Option<&'a str>,
    rest: &'a str,
}

/// Takes off the groups in brackets at the beginning.
fn head(line: &str) -> Head<'_> {
    let mut head =
        Head { module: None, level: None, thread: None, client: None, remote: None, rest: line };
    while let Some((group, rest)) = head.rest.strip_prefix('[').and_then(|r| r.split_once("] ")) {
        if group.len() > 120 {
            break;
        }
        take_group(group, &mut head);
        head.rest = rest;
    }
    head
}

fn take_group<'a>(group: &'a str, head: &mut Head<'a>) {
    let plain = |text: &str| {
        text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    if let Some(client) = group.strip_prefix("client ") {
        head.client = Some(client);
    } else if let Some(remote) = group.strip_prefix("remote ") {
        head.remote = Some(remote);
    } else if let Some(rest) = group.strip_prefix("pid ") {
        let (pid, tid) = rest.split_once(":tid ").map_or((rest, None), |(p, t)| (p, Some(t)));
        head.thread = pid.parse().ok().map(|pid| (pid, tid.and_then(|tid| tid.parse().ok())));
    } else if let Some((module, level)) = group.split_once(':')
        && plain(module)
        && plain(level)
        && !module.bytes().all(|b| b.is_ascii_digit())
    {
        head.module = Some(module).filter(|module| !module.is_empty());
        head.level = Some(level);
    }
}

/// Level and message of a line, for classifying; `None` for what an application wrote. Cheap:
/// nothing is copied.
pub(super) fn message_of(line: &str) -> Option<(Option<&str>, &str)> {
    let head = head(line);
    let foreign = |module: &str| FOREIGN.iter().any(|own| module.starts_with(own));
    // Debugging speaks of every request, not of trouble.
    let detail = |level: &str| level == "debug" || level.starts_with("trace");
    if head.module.is_some_and(foreign) || head.level.is_some_and(detail) {
        return None;
    }
    Some((head.level, own_words(head.rest)))
}

/// The message from its error number or code on; formats may put anything before it.
fn own_words(rest: &str) -> &str {
    let mut end = rest.len().min(HEAD);
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    let found = CODE.as_ref().and_then(|code| code.find(rest.get(..end)?));
    found.and_then(|found| rest.get(found.start()..)).unwrap_or(rest)
}

/// Takes a line apart; `None` for what an application wrote.
pub fn parse(line: &str) -> Option<ApacheLine> {
    let (_, message) = message_of(line)?;
    let head = head(line);
    let (errno, rest) = errno(message);
    let mut inner = Head { rest, ..head };
    while let Some((group, rest)) = inner.rest.strip_prefix('[').and_then(|r| r.split_once("] ")) {
        take_group(group, &mut inner);
        inner.rest = rest;
    }
    let is_code = |code: &str| {
        code.len() == 7
            && code.starts_with("AH")
            && code.bytes().skip(2).all(|b| b.is_ascii_digit())
    };
    let (code, told) =
        inner.rest.split_once(": ").filter(|(c, _)| is_code(c)).unwrap_or(("", inner.rest));
    let told = told.rsplit_once(", referer: ").map_or(told, |(told, _)| told);
    let place = PLACES.iter().find(|(own, ..)| *own == code);
    let address = match place {
        Some((_, words, _)) if !words.is_empty() => address(code, words, told),
        Some(_) => None,
        None => inner.remote.and_then(whole),
    };
    let path =
        told.rsplit_once(" returned by ").map(|(_, path)| path).filter(|p| p.starts_with('/'));
    Some(ApacheLine {
        module: inner.module.map(Text::from),
        level: inner.level.map(Text::from),
        thread: inner.thread,
        client: inner.client.map(Text::from),
        message: Text::from(inner.rest),
        code: Text::from(code),
        // What AH10124 calls a full device is a full buffer.
        errno: errno.filter(|_| code != "AH10124"),
        phase: place.map(|(.., phase)| *phase).or_else(|| phase_of(code, told)),
        host: if address.is_some() { None } else { host(code, told).map(Text::from) },
        address,
        path: path.map(|path| Text::from(path.split('?').next().unwrap_or(path))),
    })
}

/// `(111)Connection refused: ` and what follows it. Apache's own number for a timeout is told as
/// the system's.
fn errno(message: &str) -> (Option<i32>, &str) {
    let split = message.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let Some((number, words)) = split.filter(|(number, _)| number.len() <= 10) else {
        return (None, message);
    };
    let Some((_, rest)) = words.split_once(": ") else { return (None, message) };
    let number = match number.parse::<i32>() {
        Ok(70007) => Some(110),
        Ok(number) if number < 1_000 => Some(number),
        _ => None,
    };
    (number, rest)
}

fn address(code: &str, words: &str, told: &str) -> Option<Address> {
    let (_, rest) = told.split_once(words)?;
    if code == "AH02454" {
        let path = rest.rsplit_once(" (").map_or(rest, |(path, _)| path);
        return path.starts_with('/').then(|| Address::unix(Text::from(path)));
    }
    whole(rest.split([' ', ')']).next()?)
}

/// An address with its port.
fn whole(text: &str) -> Option<Address> {
    Address::parse(text, 0).filter(|address| address.port().is_some_and(|port| port > 0))
}

/// The host of a message that has no more of the backend.
fn host<'a>(code: &str, told: &'a str) -> Option<&'a str> {
    let words = match code {
        "AH01114" | "AH01079" | "AH00896" | "AH10101" => "backend: ",
        "AH01102" | "AH01105" => "remote server ",
        "AH00898" => "lookup failure for: ",
        _ => return None,
    };
    let (_, rest) = told.split_once(words)?;
    let host = rest.split([' ', ',']).next()?;
    Some(host.split(':').next().unwrap_or(host)).filter(|host| !host.is_empty())
}

fn phase_of(code: &str, told: &str) -> Option<Phase> {
    let has = |words: &str| told.contains(words);
    match code {
        "AH00898" if has("DNS lookup failure") => Some(Phase::Resolving),
        "AH00898" if has("SSL Handshake") => Some(Phase::Handshaking),
        "AH00898" if has("Error reading") => Some(Phase::ReadingHeader),
        "AH01067" | "AH01068" | "AH01070" | "AH10124" | "AH01080" => Some(Phase::ReadingHeader),
        "AH02039" | "AH02411" | "AH02268" | "AH02003" => Some(Phase::Handshaking),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "[Fri Nov 20 18:26:06.872554 2026] ";

    fn shown(rest: &str) -> String {
        let Some(line) = parse(&format!("{HEAD}{rest}")) else { return "none".to_owned() };
        format!(
            "{} {} {:?} {}",
            line.code.raw(),
            line.address.map(|a| a.to_string()).unwrap_or_default(),
            line.errno,
            line.host.or(line.path).unwrap_or_default().raw()
        )
    }

    #[test]
    fn each_code_tells_its_backend() {
        let table = [
            (
                "[proxy:error] [pid 9:tid 9] (111)Connection refused: AH00957: http: attempt to connect to 127.0.0.1:9001 (localhost:9001) failed",
                "AH00957 127.0.0.1:9001 Some(111) ",
            ),
            (
                "[proxy:error] [pid 9:tid 9] (2)No such file or directory: AH02454: fcgi: attempt to connect to Unix domain socket /run/php fpm.sock (localhost:8000) failed",
                "AH02454 unix:/run/php fpm.sock Some(2) ",
            ),
            (
                "[proxy_http:error] [pid 9:tid 9] (70007)The timeout specified has expired: [client 1.2.3.4:5] AH01102: error reading status line from remote server app.lan:81, referer: http://x/, remote server 9.9.9.9:9",
                "AH01102 app.lan:81 Some(110) ",
            ),
            (
                "[proxy_http:error] [pid 9:tid 9] [client 127.0.0.1:56236] AH01114: HTTP: failed to make connection to backend: 127.0.0.1",
                "AH01114  None 127.0.0.1",
            ),
            (
                "[proxy_http:error] [pid 9] (104)Connection reset by peer: [client 1.1.1.1:1] AH01102: error reading status line from remote server httpd-UDS:0",
                "AH01102  Some(104) httpd-UDS",
            ),
            (
                "[ssl:error] [pid 9:tid 9] [remote 127.0.0.1:9016] AH02039: Certificate Verification: Error (10): certificate has expired",
                "AH02039 127.0.0.1:9016 None ",
            ),
            (
                "[proxy:error] [pid 9:tid 9] [client 1.1.1.1:1] AH00898: Error reading from remote server returned by /a?b=1",
                "AH00898  None /a",
            ),
            (
                "[proxy:error] [pid 9] AH00959: ap_proxy_connect_backend disabling worker for (10.0.0.1:80) for 60s",
                "AH00959 10.0.0.1:80 None ",
            ),
        ];
        for (line, expected) in table {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn a_format_of_ones_own_hides_nothing() {
        let line = "shop.lan:443 [proxy:error] (111)Connection refused: AH00957: http: attempt to connect to 10.0.0.9:80 (x:80) failed";
        let read = parse(line).unwrap();
        assert_eq!(read.address, Address::parse("10.0.0.9:80", 0));
        assert_eq!(read.errno, Some(111));
        let bare =
            "2026-11-20 18:26:06 error AH01075: Error dispatching request to :8090: (polling)";
        assert_eq!(parse(bare).unwrap().phase, Some(Phase::ReadingHeader));
    }

    #[test]
    fn what_an_application_writes_is_not_apaches_word() {
        let php = "[php:notice] [pid 1] [client 1.2.3.4:5] AH00957: http: attempt to connect to 10.0.0.9:80 (x) failed";
        assert_eq!(shown(php), "none");
        let path = "[core:error] [pid 1] [client 1.2.3.4:5] AH00128: File does not exist: /w/AH00957: attempt to connect to 10.0.0.9:80 (";
        assert_eq!(shown(path), "AH00128  None ");
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC{0,120}") {
            let _ = parse(&text);
            let _ = parse(&format!("{HEAD}[proxy:error] [pid 1:tid 2] (111)x: AH00957: {text}"));
            let _ = parse(&format!("{HEAD}{text} AH02454: Unix domain socket {text}"));
        }
    }
}
