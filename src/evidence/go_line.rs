//! Reader of one line of a gateway written in Go: Caddy and Traefik. Their errors are those of Go's
//! `net` package, which names the address that was dialled.

use serde_json::Value;

use crate::observation::{Address, Text};

use super::nginx_line::Phase;

/// A line about a request. Every text is hostile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoLine {
    /// What happened.
    pub message: Text,
    /// The backend's address, when the line says it.
    pub address: Option<Address>,
    /// The system's error number.
    pub errno: Option<i32>,
    /// What the gateway was doing.
    pub phase: Option<Phase>,
    /// Method and path of the request.
    pub request: Option<Text>,
    /// The Host header without its port.
    pub host: Option<Text>,
    /// The status that was sent.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub millis: Option<u64>,
    /// Who wrote it, as in `http.log.error`.
    pub logger: Text,
}

/// A line of Caddy's log; `None` when it is not JSON.
pub fn caddy(line: &str) -> Option<GoLine> {
    let Value::Object(fields) = serde_json::from_str(line).ok()? else { return None };
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let error = text("error");
    let message = if error.is_empty() { text("msg") } else { error };
    let mut read = of_message(message);
    read.message = Text::new(text("msg"));
    read.logger = Text::new(text("logger"));
    read.status = fields.get("status").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
    read.millis = fields.get("duration").and_then(Value::as_f64).and_then(millis);
    // Lines about health checks name whom they checked in a field of its own.
    if read.logger.raw().contains("health_checker") {
        let host = text("host");
        read.address = match host.strip_prefix("unix/") {
            Some(path) => Some(Address::Unix(Text::new(path))).filter(|_| path.starts_with('/')),
            None => Address::parse(host, 0).filter(|address| address.port() != Some(0)),
        };
    }
    if let Some(request) = fields.get("request") {
        let part = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or_default();
        let path = part("uri").split('?').next().unwrap_or_default();
        if !path.is_empty() {
            read.request = Some(Text::new(format!("{} {path}", part("method"))));
        }
        read.host = Some(part("host")).filter(|host| !host.is_empty()).map(without_port);
    }
    Some(read)
}

/// A line of Traefik's log: its own form, or JSON.
pub fn traefik(line: &str) -> Option<GoLine> {
    if line.starts_with('{')
        && let Ok(Value::Object(fields)) = serde_json::from_str(line)
    {
        let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut read = of_message(text("error"));
        let message = if text("message").is_empty() { text("msg") } else { text("message") };
        read.message = Text::new(message);
        return Some(read);
    }
    let (_, error) = line.split_once("error=")?;
    let mut read = of_message(error.trim_matches('"'));
    read.message = Text::new(line);
    Some(read)
}

fn millis(seconds: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    (0.0..1e12).contains(&seconds).then_some((seconds * 1e3) as u64)
}

fn without_port(host: &str) -> Text {
    let bare = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    Text::new(bare.map_or(host, |(name, _)| name))
}

/// `dial tcp 127.0.0.1:9001: connect: connection refused`, `read tcp A->B: read: …`.
fn of_message(message: &str) -> GoLine {
    let mut read = GoLine { message: Text::new(message), ..GoLine::default() };
    let errors = [
        ("connection refused", 111),
        ("no such file or directory", 2),
        ("permission denied", 13),
        ("connection reset by peer", 104),
        ("broken pipe", 32),
        ("no route to host", 113),
        ("network is unreachable", 101),
        ("connection timed out", 110),
        ("resource temporarily unavailable", 11),
        ("too many open files", 24),
        ("cannot assign requested address", 99),
    ];
    read.errno = errors.iter().find(|(words, _)| message.contains(words)).map(|(_, errno)| *errno);
    read.address = address(message);
    read.phase = if message.contains("dial tcp: lookup") {
        Some(Phase::Resolving)
    } else if message.contains("dial ") {
        Some(Phase::Connecting)
    } else if message.contains("tls: ") || message.contains("x509: ") {
        Some(Phase::Handshaking)
    } else if message.contains("timeout awaiting response headers")
        || message == "EOF"
        || message.contains("read: ")
        || message.contains("transport connection broken")
        || message.contains("server closed idle connection")
    {
        Some(Phase::ReadingHeader)
    } else {
        None
    };
    read
}

fn address(message: &str) -> Option<Address> {
    if let Some((_, rest)) = message.split_once("dial unix ") {
        let path = rest.split(": ").next().unwrap_or_default();
        return path.starts_with('/').then(|| Address::unix(Text::new(path)));
    }
    let dialled = message.split_once("dial tcp ").map(|(_, rest)| rest);
    let passed = ["read tcp ", "write tcp "]
        .iter()
        .find_map(|words| message.split_once(words)?.1.split_once("->").map(|(_, rest)| rest));
    let rest = dialled.or(passed)?;
    let text = rest.split(": ").next()?.trim_end_matches(':');
    Address::parse(text, 0).filter(|address| address.port() != Some(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_dialled_address_the_error_and_the_request_are_read() {
        let line = r#"{"level":"error","ts":1.0,"logger":"http.log.error","msg":"dial tcp 127.0.0.1:9001: connect: connection refused","request":{"method":"GET","host":"shop.lan:8080","uri":"/cart?x=1"},"duration":0.25,"status":502}"#;
        let read = caddy(line).unwrap();
        assert_eq!(read.address, Address::parse("127.0.0.1:9001", 80));
        assert_eq!((read.errno, read.phase), (Some(111), Some(Phase::Connecting)));
        assert_eq!(read.request.unwrap().raw(), "GET /cart");
        assert_eq!(read.host.unwrap().raw(), "shop.lan");
        assert_eq!((read.status, read.millis), (Some(502), Some(250)));
        let of = |message: &str| address(message).map(|a| a.to_string()).unwrap_or_default();
        assert_eq!(
            of("dial unix /run/a.sock: connect: no such file or directory"),
            "unix:/run/a.sock"
        );
        assert_eq!(
            of("read tcp 127.0.0.1:54418->127.0.0.1:9004: read: connection reset by peer"),
            "127.0.0.1:9004"
        );
        assert_eq!(of("dial tcp [::1]:3000: connect: connection refused"), "[::1]:3000");
        assert_eq!(of("dial tcp: lookup app on 127.0.0.53:53: no such host"), "");
        assert_eq!(of("EOF"), "");
    }

    #[test]
    fn a_health_check_names_whom_it_checked() {
        let line = |host: &str| {
            format!(
                r#"{{"level":"info","logger":"http.handlers.reverse_proxy.health_checker.active","msg":"unexpected status code","status_code":404,"host":"{host}"}}"#
            )
        };
        let of = |host: &str| caddy(&line(host)).unwrap().address.map(|a| a.to_string());
        assert_eq!(of("127.0.0.1:8502").as_deref(), Some("127.0.0.1:8502"));
        assert_eq!(of("unix//run/app.sock").as_deref(), Some("unix:/run/app.sock"));
        assert_eq!(of(""), None);
    }

    #[test]
    fn both_forms_of_traefik_are_read() {
        let plain = r#"2026-11-20T18:00:00Z DBG proxy.go:113 > 502 Bad Gateway error="dial tcp 10.0.0.2:80: connect: connection refused""#;
        let json = r#"{"level":"debug","error":"dial tcp 10.0.0.2:80: connect: connection refused","message":"502 Bad Gateway"}"#;
        for line in [plain, json] {
            assert_eq!(traefik(line).unwrap().address, Address::parse("10.0.0.2:80", 80));
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(line in ".{0,200}", message in "(dial|read) (tcp|unix) [a-z0-9:.>/ -]{0,60}") {
            let _ = (caddy(&line), traefik(&line));
            let json = serde_json::json!({ "msg": message, "request": { "uri": line, "host": message } });
            let _ = caddy(&json.to_string());
            let _ = traefik(&format!("error=\"{message}\""));
        }
    }
}
