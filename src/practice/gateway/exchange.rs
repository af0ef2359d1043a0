//! One attempt at one peer: connect, ask, read the head of the answer; and what nginx says when that
//! does not go well.

use std::{fmt::Write, io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::practice::{
    fastcgi::{self, Next, kind},
    net::{Peer, Stream},
};

use super::{
    log::{Level, errno},
    page::{self, VERSION},
    plan::Pass,
    request::Head,
};

/// Bytes of one reading.
const CHUNK: usize = 16 << 10;

/// What went wrong, as it is logged and answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) level: Level,
    pub(super) words: String,
}

impl Fault {
    fn new(status: u16, level: Level, words: impl Into<String>) -> Self {
        Self { status, level, words: words.into() }
    }

    fn timed_out(phase: &str) -> Self {
        let words = format!("upstream timed out (110: Connection timed out) while {phase}");
        Self::new(504, Level::Error, words)
    }
}

/// An answer whose head has come.
#[derive(Debug)]
pub(super) struct Answer {
    /// As the access log has it; `009` for what has no head.
    pub(super) status: String,
    /// What the client is sent first.
    pub(super) head: Vec<u8>,
    /// Bytes of the body that are still to come, when that was announced.
    pub(super) length: Option<u64>,
    /// What is said of an answer without a head.
    pub(super) remark: Option<&'static str>,
    /// The rest of it.
    pub(super) rest: Reading,
}

/// What comes from a peer.
#[derive(Debug)]
pub(super) struct Reading {
    stream: Stream,
    fastcgi: bool,
    limit: Duration,
    /// As it came, as far as it is not understood yet.
    raw: Vec<u8>,
    /// What the peer says, without its framing.
    pub(super) said: Vec<u8>,
    /// Whether it said that this was all.
    whole: bool,
}

/// How one reading ended.
#[derive(Debug)]
pub(super) enum Read {
    /// There is more.
    More,
    /// That was all, and it said so.
    Whole,
    /// It closed.
    Closed,
    /// It failed.
    Failed(io::Error),
    /// Nothing came in time.
    Late,
    /// Another protocol, by its first byte.
    Foreign(u8),
}

impl Reading {
    /// Reads once.
    pub(super) async fn read(&mut self) -> Read {
        if self.whole {
            return Read::Whole;
        }
        let mut chunk = Vec::with_capacity(CHUNK);
        match timeout(self.limit, self.stream.read_buf(&mut chunk)).await {
            Err(_) => return Read::Late,
            Ok(Err(error)) => return Read::Failed(error),
            Ok(Ok(0)) => return Read::Closed,
            Ok(Ok(_)) => {}
        }
        if !self.fastcgi {
            self.said.append(&mut chunk);
            return Read::More;
        }
        self.raw.append(&mut chunk);
        loop {
            match fastcgi::next(&self.raw) {
                Next::Foreign(version) => return Read::Foreign(version),
                Next::More => return Read::More,
                Next::Record(record, used) => {
                    match record.kind {
                        kind::STDOUT => self.said.extend_from_slice(record.content),
                        kind::END => self.whole = true,
                        _ => {}
                    }
                    self.raw.drain(..used.min(self.raw.len()));
                    if self.whole {
                        return if self.said.is_empty() { Read::Whole } else { Read::More };
                    }
                }
            }
        }
    }
}

/// Asks a peer, and reads the head of its answer.
pub(super) async fn attempt(pass: &Pass, peer: &Peer, asked: &[u8]) -> Result<Answer, Fault> {
    let connect = "connecting to upstream";
    let connected = timeout(Duration::from_millis(pass.connect_ms), Stream::connect(peer)).await;
    let mut stream = match connected {
        Err(_) => return Err(Fault::timed_out(connect)),
        Ok(Err(error)) => return Err(refused(peer, &error)),
        Ok(Ok(stream)) => stream,
    };
    let sending = "sending request to upstream";
    match timeout(Duration::from_millis(pass.send_ms), stream.write_all(asked)).await {
        Err(_) => return Err(Fault::timed_out(sending)),
        Ok(Err(error)) => {
            let words = format!("writev() failed ({}) while {sending}", errno(&error));
            return Err(Fault::new(502, Level::Error, words));
        }
        Ok(Ok(())) => {}
    }
    let mut rest = Reading {
        stream,
        fastcgi: pass.fastcgi,
        limit: Duration::from_millis(pass.read_ms),
        raw: Vec::new(),
        said: Vec::new(),
        whole: false,
    };
    let phase = "reading response header from upstream";
    loop {
        if let Some(answer) = head(&rest.said, pass)? {
            let Split { status, head, length, remark, used } = answer;
            rest.said.drain(..used.min(rest.said.len()));
            return Ok(Answer { status, head, length, remark, rest });
        }
        if rest.said.len() >= pass.header_bytes {
            let words = format!("upstream sent too big header while {phase}");
            return Err(Fault::new(502, Level::Error, words));
        }
        let words = match rest.read().await {
            Read::More => continue,
            Read::Late => return Err(Fault::timed_out(phase)),
            Read::Failed(error) => format!("recv() failed ({}) while {phase}", errno(&error)),
            Read::Foreign(version) => {
                format!(
                    "upstream sent unsupported FastCGI protocol version: {version} while {phase}"
                )
            }
            Read::Whole => format!("upstream prematurely closed FastCGI stdout while {phase}"),
            Read::Closed => format!("upstream prematurely closed connection while {phase}"),
        };
        return Err(Fault::new(502, Level::Error, words));
    }
}

fn refused(peer: &Peer, error: &io::Error) -> Fault {
    let while_connecting = "while connecting to upstream";
    let said = errno(error);
    let number = error.raw_os_error().unwrap_or(0);
    let level = if matches!(number, 2 | 13 | 99) { Level::Crit } else { Level::Error };
    let words = match peer {
        Peer::Unix(path) => {
            format!("connect() to unix:{} failed ({said}) {while_connecting}", path.display())
        }
        // What the kernel says at once has the address in it, what comes later has not.
        Peer::Tcp(address) if matches!(number, 13 | 99 | 101) => {
            format!("connect() to {address} failed ({said}) {while_connecting}")
        }
        Peer::Tcp(_) => format!("connect() failed ({said}) {while_connecting}"),
    };
    Fault::new(502, level, words)
}

/// The head of an answer, taken apart.
#[derive(Debug)]
struct Split {
    status: String,
    head: Vec<u8>,
    length: Option<u64>,
    remark: Option<&'static str>,
    used: usize,
}

/// Takes the head off, once it is whole.
fn head(said: &[u8], pass: &Pass) -> Result<Option<Split>, Fault> {
    let phase = "reading response header from upstream";
    if !pass.fastcgi && !said.is_empty() {
        let begins = said.iter().zip(b"HTTP/1.").all(|(a, b)| a == b);
        if !begins {
            let remark = "upstream sent no valid HTTP/1.0 header";
            let (status, head) = ("009".to_owned(), Vec::new());
            return Ok(Some(Split { status, head, length: None, remark: Some(remark), used: 0 }));
        }
    }
    let crlf = memchr::memmem::find(said, b"\r\n\r\n").map(|at| (at, 4));
    let Some((end, gap)) = crlf.or_else(|| memchr::memmem::find(said, b"\n\n").map(|at| (at, 2)))
    else {
        return Ok(None);
    };
    if end > pass.header_bytes {
        let words = format!("upstream sent too big header while {phase}");
        return Err(Fault::new(502, Level::Error, words));
    }
    let text = String::from_utf8_lossy(said.get(..end).unwrap_or_default()).into_owned();
    let mut lines = text.lines();
    let mut status: u16 = 200;
    if !pass.fastcgi {
        let first = lines.next().unwrap_or_default();
        let code = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let Some(code) = code else {
            let words = format!("upstream sent invalid status \"{}\" while {phase}", quoted(first));
            return Err(Fault::new(502, Level::Error, words));
        };
        status = code;
    }
    let (mut fields, mut length) = (String::new(), None);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            let shown = quoted(line);
            let words = format!("upstream sent invalid header: \"{shown}...\" while {phase}");
            return Err(Fault::new(502, Level::Error, words));
        };
        match name.to_ascii_lowercase().as_str() {
            "status" if pass.fastcgi => {
                status =
                    value.split_whitespace().next().and_then(|c| c.parse().ok()).unwrap_or(200);
            }
            "content-length" => length = value.trim().parse().ok(),
            "server" | "connection" | "keep-alive" | "transfer-encoding" | "date" => {}
            _ => {
                let _ = write!(fields, "{name}:{value}\r\n");
            }
        }
    }
    let announced = length.map(|n: u64| format!("Content-Length: {n}\r\n")).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status} {}\r\nServer: nginx/{VERSION}\r\n{fields}{announced}Connection: close\r\n\r\n",
        page::words(status)
    );
    let used = end + gap;
    let status = format!("{status:03}");
    Ok(Some(Split { status, head: head.into_bytes(), length, remark: None, used }))
}

/// The beginning of what a peer says, which cannot leave its quotes: whoever takes the port of a
/// program that ended is a peer.
fn quoted(said: &str) -> String {
    let plain = |c: char| if c.is_control() || c == '"' { '?' } else { c };
    said.chars().take(40).map(plain).collect()
}

/// What a peer is asked, as nginx writes it.
pub(super) fn question(pass: &Pass, location: &str, request: &Head, body: &[u8]) -> Vec<u8> {
    if pass.fastcgi {
        let length = body.len().to_string();
        let query = request.uri.split_once('?').map_or("", |(_, query)| query);
        return fastcgi::request(
            &[
                ("REQUEST_METHOD", &request.method),
                ("REQUEST_URI", &request.uri),
                ("SCRIPT_NAME", request.path()),
                ("SCRIPT_FILENAME", request.path()),
                ("QUERY_STRING", query),
                ("CONTENT_LENGTH", &length),
                ("SERVER_PROTOCOL", "HTTP/1.1"),
            ],
            body,
        );
    }
    let uri = asked_uri(pass, location, request);
    let mut asked = format!("{} {uri} HTTP/1.0\r\nHost: {}\r\n", request.method, pass.name);
    asked.push_str("Connection: close\r\n");
    for (name, value) in &request.fields {
        if !matches!(name.as_str(), "host" | "connection" | "keep-alive" | "upgrade" | "te") {
            let _ = write!(asked, "{name}: {value}\r\n");
        }
    }
    asked.push_str("\r\n");
    [asked.into_bytes(), body.to_vec()].concat()
}

/// The URI that a peer is asked for: what `proxy_pass` names stands in place of the location.
pub(super) fn asked_uri(pass: &Pass, location: &str, request: &Head) -> String {
    let rest = request.uri.strip_prefix(location).unwrap_or(&request.uri);
    pass.uri.as_ref().map_or_else(|| request.uri.clone(), |uri| format!("{uri}{rest}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pass(fastcgi: bool) -> Pass {
        Pass {
            fastcgi,
            name: "shop".into(),
            uri: None,
            peers: Vec::new(),
            connect_ms: 1,
            send_ms: 1,
            read_ms: 1,
            header_bytes: 4_096,
        }
    }

    #[test]
    fn the_head_of_an_answer_is_taken_off() {
        let split = |text: &[u8], fastcgi| head(text, &pass(fastcgi));
        let whole =
            split(b"HTTP/1.1 404 No\r\nServer: x\r\nA: b\r\nContent-Length: 2\r\n\r\nhi", false);
        let whole = whole.unwrap().unwrap();
        assert_eq!((whole.status.as_str(), whole.length, whole.used), ("404", Some(2), 55));
        let text = String::from_utf8(whole.head).unwrap();
        assert!(text.contains("A: b\r\n") && !text.contains("Server: x"), "{text}");
        let cgi = split(b"Status: 503 Busy\r\n\r\n", true).unwrap().unwrap();
        assert_eq!(cgi.status, "503");
        assert!(split(b"HTTP/1.1 200 OK\r\n", false).unwrap().is_none());
        assert_eq!(split(b"SSH-2.0", false).unwrap().unwrap().status, "009");
        let bad = split(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", false).unwrap_err();
        assert!(bad.words.starts_with("upstream sent invalid header: \"no colon"), "{}", bad.words);
        assert!(split(b"HTTP/1.1 x\r\n\r\n", false).unwrap_err().words.contains("invalid status"));
        for forged in [
            &b"HTTP/1.1 200 OK\r\na\", upstream \"b\x1b[2J\r\n\r\n"[..],
            b"HTTP/1.1 a\", upstream: \"b\x1b[2J\r\n\r\n",
        ] {
            let words = split(forged, false).unwrap_err().words;
            assert!(words.matches('"').count() == 2 && !words.contains('\x1b'), "{words}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes: Vec<u8>, lines in "HTTP/1\\.1 [0-9a-z ]{0,6}\r\n[a-z:\r\n ]{0,60}") {
            for fastcgi in [false, true] {
                let _ = head(&bytes, &pass(fastcgi));
                if let Ok(Some(split)) = head(lines.as_bytes(), &pass(fastcgi)) {
                    prop_assert!(split.used <= lines.len());
                }
            }
        }
    }
}
