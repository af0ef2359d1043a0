//! Claims of a log: servers say where they listen when they start.

use std::sync::LazyLock;

use regex::Regex;

use super::address::{any, listen, port};
use crate::observation::Address;

/// A word that announces, then an address or a port.
static ANNOUNCED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let announce =
        r"(?i:\b(?:listening|running|serving|started|available|bound|accepting connections)\b)";
    let place = r#"(?:(?P<url>(?:https?|tcp|ssl)://[^\s,;"')]+)|(?P<unix>(?:unix:|(?i:unix (?:socket|address) ))/?[^\s,;"')]+)|(?P<addr>(?:\[[0-9a-fA-F:]+\]|\d{1,3}(?:\.\d{1,3}){3}|localhost|\*)?:\d{1,5})\b|(?i:\bport(?:\(s\)|s)?[ :=]{1,2})(?P<port>\d{1,5})\b)"#;
    let host_port = r"(?i:serving http on) (?P<host>\S+) port (?P<hport>\d{1,5})";
    Regex::new(&format!("{host_port}|{announce}.{{0,60}}?{place}")).ok()
});

/// The address at which a program's own log line says that it listens now:
/// `Listening at: http://127.0.0.1:8000 (12)`, `listening on port 3000`,
/// `Uvicorn running on http://0.0.0.0:8000`, `bound to UNIX address /run/x.sock`.
pub fn address_in_log(line: &str) -> Option<Address> {
    // A start-up line is short; the bound keeps a hostile line cheap.
    let end = line.char_indices().nth(400).map_or(line.len(), |(at, _)| at);
    let line = line.get(..end).unwrap_or_default();
    let lower = line.to_ascii_lowercase();
    let words = ["listen", "running", "serving", "started", "available", "bound", "accepting"];
    let refused = ["fail", "error", "cannot", "could not", "unable", "refused", "in use"];
    if !words.iter().any(|w| lower.contains(w)) || refused.iter().any(|w| lower.contains(w)) {
        return None;
    }
    let found = ANNOUNCED.as_ref()?.captures(line)?;
    let group = |name: &str| found.name(name).map(|m| m.as_str());
    if let (Some(host), Some(number)) = (group("host"), group("hport")) {
        return listen(&format!("{host}:{number}"));
    }
    if let Some(unix) = group("unix") {
        let at = unix.find('/')?;
        return listen(unix.get(at..)?.trim_end_matches('.'));
    }
    if let Some(number) = group("port") {
        return port(number).map(any);
    }
    listen(group("url").or_else(|| group("addr"))?.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn servers_announce_their_address() {
        let table = [
            (
                "[2026-11-20 14:00:00 +0000] [12] [INFO] Listening at: http://127.0.0.1:8000 (12)",
                "127.0.0.1:8000",
            ),
            ("[INFO] Listening at: unix:/run/app.sock (7)", "unix:/run/app.sock"),
            ("server listening on port 3000", "0.0.0.0:3000"),
            ("Example app listening at http://localhost:3000", "127.0.0.1:3000"),
            (
                "INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)",
                "0.0.0.0:8000",
            ),
            (
                "INFO:     Uvicorn running on unix socket /run/u.sock (Press CTRL+C to quit)",
                "unix:/run/u.sock",
            ),
            ("* Listening on tcp://127.0.0.1:9292", "127.0.0.1:9292"),
            ("Listening on :8080", "0.0.0.0:8080"),
            ("Tomcat started on port(s): 8080 (http) with context path ''", "0.0.0.0:8080"),
            ("Now listening on: http://localhost:5000", "127.0.0.1:5000"),
            ("uwsgi socket 0 bound to TCP address 127.0.0.1:3031 fd 3", "127.0.0.1:3031"),
            ("uwsgi socket 0 bound to UNIX address /run/w.sock fd 3", "unix:/run/w.sock"),
            ("Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...", "0.0.0.0:8000"),
        ];
        for (line, expected) in table {
            assert_eq!(
                address_in_log(line).map(|a| a.to_string()).as_deref(),
                Some(expected),
                "{line}"
            );
        }
    }

    #[test]
    fn failures_and_requests_announce_nothing() {
        for line in [
            "Error: listen EADDRINUSE: address already in use :::3000",
            "[ERROR] Connection in use: ('127.0.0.1', 8000)",
            "connected to 127.0.0.1:5432",
            "job started in 30 ms",
            "ready to handle connections",
        ] {
            assert_eq!(address_in_log(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_harm(line in ".{0,20}([Ll]istening|running)?.{0,200}") {
            let _ = address_in_log(&line);
        }
    }
}
