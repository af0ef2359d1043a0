//! `show info`, `show stat` and `show errors`.

use std::collections::HashMap;

use crate::observation::{
    Address, GatewayId, GatewayRuntime, Refusal, RefusedAnswer, ServerState, ServerStatus, Text,
};

use super::SERVERS;

/// Refused answers kept.
const REFUSED: usize = 50;

/// Reads the answer; `None` when there is no table of servers in it.
pub(super) fn read(gateway: &GatewayId, control: &Address, bytes: &[u8]) -> Option<GatewayRuntime> {
    let text = String::from_utf8_lossy(bytes);
    let mut state = GatewayRuntime {
        gateway: gateway.clone(),
        control: control.clone(),
        servers: Vec::new(),
        waiting: Vec::new(),
        refused: Vec::new(),
        connections: None,
        cut: false,
    };
    let (mut now, mut most) = (None, None);
    let mut columns: Option<HashMap<&str, usize>> = None;
    let mut in_table = false;
    let mut in_event = false;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# pxname") {
            let names = std::iter::once("pxname").chain(head.split(',').skip(1));
            columns = Some(names.enumerate().map(|(at, name)| (name, at)).collect());
            in_table = true;
        } else if line.is_empty() {
            in_table = false;
        } else if in_table && let Some(columns) = &columns {
            row(line, columns, &mut state);
        } else if let Some(value) = line.strip_prefix("CurrConns: ") {
            now = value.trim().parse().ok();
        } else if let Some(value) = line.strip_prefix("Maxconn: ") {
            most = value.trim().parse().ok();
        } else if line.starts_with('[') {
            // What follows tells of this event; one about a request is none of ours.
            in_event = line.contains(": invalid response") && refused(line, &mut state);
        } else if in_event && let Some(answer) = state.refused.last_mut() {
            detail(line, answer);
        }
    }
    state.connections = now.zip(most);
    columns.map(|_| state)
}

/// `[20/Nov/2026:18:28:41.117] backend garbage (#7): invalid response`; whether it is kept.
fn refused(line: &str, state: &mut GatewayRuntime) -> bool {
    let group = line.split_once("] backend ").and_then(|(_, rest)| rest.split(' ').next());
    let Some(group) = group.filter(|_| state.refused.len() < REFUSED) else { return false };
    state.refused.push(RefusedAnswer {
        group: Text::new(group),
        server: Text::default(),
        client: Text::default(),
        why: Refusal::Malformed,
        words: Text::new(line),
    });
    true
}

/// The lines below it (`proxy_capture_error`, `h1_capture_bad_message`): who asked, where the
/// error is, how far the reading had come, and the first bytes.
/// `frontend www (#2), server app1 (#1), event #3, src 127.0.0.1:57702`,
/// `len 16320, wraps at 16336, error at position 16320`, `H1 msg state MSG_HDR_VAL(22), …`,
/// `00000  HTTP/1.1 200 OK\r\n`.
fn detail(line: &str, answer: &mut RefusedAnswer) {
    let after = |key: &str| {
        let rest = line.split_once(key)?.1;
        rest.split([',', ' ']).next().filter(|word| !word.is_empty())
    };
    if let Some(client) = after(", src ") {
        answer.client = Text::new(client);
        answer.server = Text::new(after(", server ").unwrap_or_default());
    } else if let (Some(len), Some(at)) = (after("len "), after("error at position ")) {
        // It stopped where the bytes end: they were as many as the buffer takes.
        let full = len == at && len.parse::<u64>().is_ok_and(|len| len > 0);
        if full && answer.why == Refusal::Malformed {
            answer.why = Refusal::TooLong;
        }
    } else if let Some(bytes) = line.trim_start().strip_prefix("00000  ")
        && !bytes.starts_with("HTTP/")
    {
        answer.why = Refusal::NotHttp;
    }
}

fn row(line: &str, columns: &HashMap<&str, usize>, state: &mut GatewayRuntime) {
    let cells = cells(line);
    let cell = |name: &str| {
        columns.get(name).and_then(|at| cells.get(*at)).map(String::as_str).unwrap_or_default()
    };
    let (group, name) = (cell("pxname"), cell("svname"));
    let small = |name: &str| cell(name).parse::<u32>().ok();
    if name == "BACKEND" {
        if let Some(waiting) = small("qcur").filter(|n| *n > 0) {
            state.waiting.push((Text::new(group), waiting));
        }
        return;
    }
    if name == "FRONTEND" || name.is_empty() || cell("type") == "3" {
        return;
    }
    if state.servers.len() >= SERVERS {
        state.cut = true;
        return;
    }
    let check = match (cell("check_status").trim_start_matches("* "), cell("check_code")) {
        ("", _) => None,
        (status, "") => Some(Text::new(status)),
        (status, code) => Some(Text::new(format!("{status}/{code}"))),
    };
    let words = [cell("last_chk"), cell("check_desc")].into_iter().find(|words| !words.is_empty());
    state.servers.push(ServerState {
        group: Text::new(group),
        name: Text::new(name),
        address: address(cell("addr")),
        status: status(cell("status")),
        words: Text::new(cell("status")),
        check,
        check_words: words.map(Text::new),
        since_secs: cell("lastchg").parse().ok(),
        queued: small("qcur"),
        sessions: small("scur"),
        limit: small("slim"),
        connect_errors: cell("econ").parse().ok(),
        response_errors: cell("eresp").parse().ok(),
    });
}

fn address(text: &str) -> Option<Address> {
    if text == "unix" || text.is_empty() {
        return None;
    }
    Address::parse(text, 0).filter(|address| address.port() != Some(0))
}

/// The first word of a status (<https://docs.haproxy.org/2.8/management.html#9.1>).
fn status(text: &str) -> ServerStatus {
    match text {
        "no check" => ServerStatus::Unchecked,
        "MAINT (resolution)" => ServerStatus::Unresolved,
        _ if text.starts_with("MAINT") => ServerStatus::Maintenance,
        _ if text.starts_with("DRAIN") => ServerStatus::Draining,
        _ if text.starts_with("NOLB") => ServerStatus::Stopping,
        _ if text.starts_with("DOWN") => ServerStatus::Down,
        _ => ServerStatus::Up,
    }
}

/// The cells of a line; those with commas inside stand in quotes.
fn cells(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => {
                if let Some(last) = out.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = "Name: HAProxy\nMaxconn: 4000\nCurrConns: 12\n\n\
# pxname,svname,qcur,qmax,scur,smax,slim,econ,eresp,status,lastchg,type,check_status,check_code,last_chk,addr,\n\
web,FRONTEND,,,1,1,4000,,,OPEN,,0,,,,,\n\
app,s1,0,0,2,2,2,7,1,UP,30,2,L7OK,200,\"\",127.0.0.1:8000,\n\
app,s2,0,0,0,0,,3,0,DOWN,12,2,L7STS,404,\"Not Found, sorry\",127.0.0.1:8001,\n\
app,s3,0,0,0,0,,0,0,MAINT,99,2,,,,unix,\n\
app,s4,0,0,0,0,,0,0,MAINT (resolution),9,2,,,,,\n\
app,s5,0,0,0,0,,0,0,no check,,2,,,,[::1]:80,\n\
app,s6,0,0,0,0,,0,0,UP 1/3,,2,* L4CON,,Connection refused,10.0.0.1:80,\n\
app,BACKEND,4,9,2,2,400,10,1,UP,30,1,,,,,\n\n\
[20/Nov/2026:18:28:41.117] backend app (#3): invalid response\n  frontend web (#2), server s1 (#1)\n";

    fn of(text: &str) -> Option<GatewayRuntime> {
        read(&GatewayId("haproxy:x".into()), &Address::Unix("/run/h.sock".into()), text.as_bytes())
    }

    #[test]
    fn the_state_of_every_server_is_read() {
        let state = of(ANSWER).unwrap();
        let told: Vec<String> = state
            .servers
            .iter()
            .map(|s| {
                let check = s.check.as_ref().map(|c| c.raw().to_owned()).unwrap_or_default();
                let address = s.address.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{} {:?} {check} {address}", s.name, s.status)
            })
            .collect();
        assert_eq!(
            told,
            [
                "s1 Up L7OK/200 127.0.0.1:8000",
                "s2 Down L7STS/404 127.0.0.1:8001",
                "s3 Maintenance  ",
                "s4 Unresolved  ",
                "s5 Unchecked  [::1]:80",
                "s6 Up L4CON 10.0.0.1:80",
            ]
        );
        let s1 = &state.servers[0];
        assert_eq!((s1.sessions, s1.limit, s1.connect_errors), (Some(2), Some(2), Some(7)));
        assert_eq!(state.servers[1].check_words.as_ref().unwrap().raw(), "Not Found, sorry");
        assert_eq!(state.waiting, [(Text::new("app"), 4)]);
        assert_eq!(state.connections, Some((12, 4000)));
        assert_eq!(state.refused[0].group.raw(), "app");
    }

    /// The words of HAProxy 2.6 about an answer.
    fn event(len: u32, at: u32, bytes: &str) -> RefusedAnswer {
        let text = format!(
            "{ANSWER}\n[26/Nov/2026:05:45:47.226] backend shop (#3): invalid response\n  \
             frontend www (#2), server app1 (#1), event #3, src 127.0.0.1:57702\n  \
             buffer starts at 0 (including 0 out), 64 free,\n  \
             len {len}, wraps at 16336, error at position {at}\n  \
             H1 chunk len 0 bytes, H1 body len 0 bytes :\n  \n  00000  {bytes}\\r\\n\n"
        );
        of(&text).unwrap().refused.pop().unwrap()
    }

    #[test]
    fn the_answer_that_was_refused_tells_why_and_whose_it_was() {
        let long = event(16_320, 16_320, "HTTP/1.1 200 OK");
        assert_eq!((long.server.raw(), long.client.raw()), ("app1", "127.0.0.1:57702"));
        assert_eq!(long.why, Refusal::TooLong);
        assert_eq!(event(120, 17, "HTTP/1.1 200 OK").why, Refusal::Malformed);
        assert_eq!(event(44, 0, "EURUSD 1.0842").why, Refusal::NotHttp);
        assert_eq!(event(44, 44, "EURUSD 1.0842").why, Refusal::NotHttp);
    }

    #[test]
    fn what_is_no_table_is_no_state() {
        assert_eq!(of("Permission denied\n"), None);
        assert_eq!(of(""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..900) {
            let _ = read(&GatewayId("g".into()), &Address::Unix("/x".into()), &bytes);
            let _ = of(ANSWER.get(..at.min(ANSWER.len())).unwrap_or(""));
        }
    }
}
