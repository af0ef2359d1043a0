//! Reader of one line of HAProxy's log: a request in its HTTP or TCP format, or an event
//! (<https://docs.haproxy.org/2.8/configuration.html#8.2.3>).

use crate::observation::Text;

use super::nginx_line::Phase;

/// A request as the log tells it. Every text is hostile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HaproxyRequest {
    /// Backend.
    pub backend: Text,
    /// Server, `None` for `<NOSRV>`.
    pub server: Option<Text>,
    /// Status, `None` where none was sent or in the TCP format.
    pub status: Option<u16>,
    /// How the session ended, as in `SC--`; two letters in the TCP format.
    pub flags: Text,
    /// Milliseconds from the first byte to the last; `None` when it was given up.
    pub total_ms: Option<u64>,
    /// Method and URI without the query; empty in the TCP format and for a bad request.
    pub request: Text,
}

/// What a line says of a server or of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HaproxyLine {
    /// A request.
    Request(HaproxyRequest),
    /// An event of a backend or of one of its servers.
    Event {
        /// Backend.
        backend: Text,
        /// Server.
        server: Option<Text>,
        /// The line without its head.
        message: Text,
    },
}

/// Takes a line apart; `None` when it speaks of no backend.
pub fn parse(line: &str) -> Option<HaproxyLine> {
    let body = without_head(line);
    request(body).map(HaproxyLine::Request).or_else(|| event(body))
}

/// The line without what syslog puts in front: it ends with `haproxy[PID]: `.
fn without_head(line: &str) -> &str {
    let Some(at) = line.find("]: ").filter(|at| *at < 160) else { return line };
    let (head, rest) = line.split_at(at);
    let named = head.rsplit_once('[').is_some_and(|(name, pid)| {
        pid.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(' ') && !pid.is_empty()
    });
    if named { rest.get(3..).unwrap_or_default() } else { line }
}

fn request(body: &str) -> Option<HaproxyRequest> {
    let mut words = body.split(' ');
    let client = words.next()?;
    let stamp = words.next()?;
    if !client.contains(':') || !stamp.starts_with('[') || !stamp.ends_with(']') {
        return None;
    }
    let _frontend = words.next()?;
    let (backend, server) = words.next()?.split_once('/')?;
    let timers = words.next()?;
    let numbers = timers.split('/').count();
    let timer =
        |text: &str| text.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit());
    if !(3..=5).contains(&numbers) || !timers.split('/').all(timer) {
        return None;
    }
    let total = timers.rsplit('/').next()?.trim_start_matches('+').parse().ok();
    let tcp = numbers == 3;
    let status = if tcp { None } else { words.next()?.parse::<u16>().ok() };
    let _bytes = words.next()?;
    if !tcp {
        // The two cookies.
        words.next()?;
        words.next()?;
    }
    let flags = words.next()?;
    let valid = |b: u8| b.is_ascii_alphabetic() || b == b'-';
    if flags.len() != (if tcp { 2 } else { 4 }) || !flags.bytes().all(valid) {
        return None;
    }
    let rest = body.split_once('"').map_or("", |(_, rest)| rest);
    let mut parts = rest.split(['"', ' ']);
    let method = parts.next().filter(|m| m.bytes().all(|b| b.is_ascii_uppercase()));
    let uri = parts.next().map(|uri| uri.split('?').next().unwrap_or_default());
    let request = match (method.filter(|m| !m.is_empty()), uri) {
        (Some(method), Some(uri)) => Text::new(format!("{method} {uri}")),
        _ => Text::default(),
    };
    Some(HaproxyRequest {
        backend: Text::new(backend),
        server: (server != "<NOSRV>").then(|| Text::new(server)),
        status,
        flags: Text::new(flags),
        total_ms: total,
        request,
    })
}

fn event(body: &str) -> Option<HaproxyLine> {
    let words = |prefix: &str| body.strip_prefix(prefix).and_then(|rest| rest.split(' ').next());
    let member = [
        "Server ",
        "Backup Server ",
        "Health check for server ",
        "Health check for backup server ",
    ]
    .iter()
    .find_map(|prefix| words(prefix));
    let message = Text::new(body);
    if let Some((backend, server)) = member.and_then(|name| name.split_once('/')) {
        let server = Some(Text::new(server.trim_end_matches(['.', ','])));
        return Some(HaproxyLine::Event { backend: Text::new(backend), server, message });
    }
    let group = ["backend ", "proxy ", "Connect() failed for backend ", "Proxy "]
        .iter()
        .find_map(|prefix| words(prefix))?;
    let backend = Text::new(group.trim_end_matches(':'));
    Some(HaproxyLine::Event { backend, server: None, message })
}

impl HaproxyRequest {
    /// What HAProxy was doing when the session ended, by its flags; `None` for one that went well.
    pub fn phase(&self) -> Option<Phase> {
        match self.flags.raw().as_bytes() {
            [b'-', ..] | [] => None,
            [_, b'C', ..] => Some(Phase::Connecting),
            [_, b'H', ..] => Some(Phase::ReadingHeader),
            [_, b'D' | b'L', ..] => Some(Phase::ReadingBody),
            [_, b'R', ..] => Some(Phase::ReadingClient),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "<134>Nov 20 18:28:40 haproxy[13444]: ";

    fn shown(line: &str) -> String {
        match parse(line) {
            Some(HaproxyLine::Request(r)) => format!(
                "{}/{} {} {} {} {:?}",
                r.backend,
                r.server.map_or_else(|| "-".to_owned(), |s| s.to_string()),
                r.status.unwrap_or(0),
                r.flags,
                r.request,
                r.total_ms,
            ),
            Some(HaproxyLine::Event { backend, server, .. }) => {
                format!("{backend}/{}", server.map_or_else(|| "-".to_owned(), |s| s.to_string()))
            }
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn requests_and_events_tell_their_backend_and_server() {
        let table = [
            (
                r#"127.0.0.1:50908 [20/Nov/2026:18:28:37.218] f dead/s1 0/0/-1/-1/3003 503 217 - - SC-- 1/1/0/0/3 0/0 "GET /dead?x=1 HTTP/1.1""#,
                "dead/s1 503 SC-- GET /dead Some(3003)",
            ),
            (
                r#"[::1]:36798 [20/Nov/2026:18:29:23.154] f~ checked/<NOSRV> 0/-1/-1/-1/0 503 217 - - SC-- 1/1/0/0/0 0/0 "GET /checked HTTP/1.1""#,
                "checked/- 503 SC-- GET /checked Some(0)",
            ),
            (
                "10.0.0.9:1 [20/Nov/2026:18:29:23.154] f db/a 0/1/5 12 sD 1/1/1/1/0 0/0",
                "db/a 0 sD  Some(5)",
            ),
            (
                r#"10.0.0.9:1 [20/Nov/2026:18:29:23.154] f f/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>""#,
                "f/- 400 PR--  Some(0)",
            ),
            (r#"Server checked/s1 is DOWN, reason: Layer4 connection problem"#, "checked/s1"),
            ("Server app/s1 is UP, reason: Layer7 check passed", "app/s1"),
            ("Health check for server be/s1 failed, reason: x", "be/s1"),
            ("backend checked has no server available!", "checked/-"),
            ("Connect() failed for backend u_full: can't connect", "u_full/-"),
            ("Proxy web started.", "web/-"),
            ("hello", "nothing"),
        ];
        for (line, expected) in table {
            assert_eq!(shown(line), expected, "{line}");
            assert_eq!(shown(&format!("{HEAD}{line}")), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(line in ".{0,200}", form in "[a-z0-9:./\\[\\]<>\" -]{0,120}") {
            let _ = (parse(&line), parse(&form));
        }
    }
}
