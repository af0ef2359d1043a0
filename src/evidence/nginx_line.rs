//! Reader of one line of nginx's error log.
//!
//! nginx writes `HEAD MESSAGE, client: …, server: …, request: "…", subrequest: "…",
//! upstream: "…", host: "…", referrer: "…"`, always in this order, with nothing escaped and the
//! whole cut at 2048 bytes (`ngx_http_log_error_handler`, `NGX_MAX_ERROR_STR`). A remote client
//! chooses the request, the host and the referrer, and through the request's path also parts of
//! some messages (`open() "…"`) and of the upstream's URI. It must not be able to choose the
//! message or the upstream's address. Therefore:
//!
//! - The message ends at the first `, client: `. If a quote stands before it, the message repeats
//!   foreign text; then it counts only when nothing in the line could be a second end and the line
//!   was neither cut nor redacted. Otherwise only the words before the quote are the message.
//! - The request ends at ` HTTP/x.y"`. Only an nginx older than 1.21.1 takes a request line with
//!   this in its middle, so when it stands in the line twice, or a field opens before it, what
//!   follows is not read.
//! - The upstream is read only where it must stand, directly behind the request, and its address
//!   only up to the delimiter that nginx puts there; so neither a later field nor the URI matters.

pub use super::own_lines::OwnLines;
use crate::observation::{Address, Text, has_mark};

/// What nginx was doing with the request, from `while …` in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Accepting a client.
    Accepting,
    /// Reading the client's request.
    ReadingClient,
    /// Asking a name server.
    Resolving,
    /// Connecting to the upstream.
    Connecting,
    /// TLS handshake with the upstream.
    Handshaking,
    /// Sending the request to the upstream.
    SendingRequest,
    /// Waiting for the upstream's status and header.
    ReadingHeader,
    /// Reading the upstream's body; the client has the status already.
    ReadingBody,
    /// Sending to the client.
    SendingToClient,
    /// Passing bytes of a TCP or UDP stream.
    Proxying,
}

impl Phase {
    /// In plain words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepting => "accepting a client",
            Self::ReadingClient => "reading the client's request",
            Self::Resolving => "resolving the backend's name",
            Self::Connecting => "connecting to the backend",
            Self::Handshaking => "the TLS handshake with the backend",
            Self::SendingRequest => "sending the request to the backend",
            Self::ReadingHeader => "waiting for the backend's answer",
            Self::ReadingBody => "reading the backend's answer, after its header",
            Self::SendingToClient => "sending the answer to the client",
            Self::Proxying => "passing a stream to the backend",
        }
    }

    fn of(message: &str) -> Option<Self> {
        const WORDS: [(&str, Phase); 12] = [
            ("while connecting to upstream", Phase::Connecting),
            ("while SSL handshaking to upstream", Phase::Handshaking),
            ("while sending request to upstream", Phase::SendingRequest),
            ("while reading response header from upstream", Phase::ReadingHeader),
            ("while reading upstream", Phase::ReadingBody),
            ("while resolving", Phase::Resolving),
            ("could not be resolved (", Phase::Resolving),
            ("no resolver defined to resolve ", Phase::Resolving),
            ("while sending to client", Phase::SendingToClient),
            ("while reading client request", Phase::ReadingClient),
            ("while proxying ", Phase::Proxying),
            ("accept", Phase::Accepting),
        ];
        let found =
            WORDS.iter().find(|(words, _)| message.contains(words)).map(|(_, phase)| *phase);
        found.filter(|phase| *phase != Self::Accepting || message.starts_with("accept"))
    }
}

/// One line of the error log, taken apart. Every text is hostile; see the module's head for what
/// a remote client can and cannot choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NginxLine {
    /// The stamp as written, in nginx's local time; absent in what nginx prints at start.
    pub at: Option<Text>,
    /// `error`, `crit`, …
    pub level: Text,
    /// The process that wrote it; compare it with the gateway's workers before trusting a line.
    pub pid: Option<u32>,
    /// Its thread.
    pub tid: Option<u32>,
    /// The client connection's number.
    pub connection: Option<u64>,
    /// What happened; this is what signatures are matched against.
    pub message: Text,
    /// The system's error number, when the message has one.
    pub errno: Option<i32>,
    /// What nginx was doing.
    pub phase: Option<Phase>,
    /// The client's address.
    pub client: Option<Text>,
    /// The server block's first name.
    pub server: Option<Text>,
    /// Method and URI without the query.
    pub request: Option<Text>,
    /// Path of the subrequest, when the line is about one.
    pub subrequest: Option<Text>,
    /// The upstream as written, scheme and authority, without the URI.
    pub upstream: Option<Text>,
    /// Its address; `None` also when a name without a port stands there, see `upstream_group`.
    pub upstream_address: Option<Address>,
    /// The name of the `upstream` block, when no server of it was chosen yet.
    pub upstream_group: Option<Text>,
    /// The Host header.
    pub host: Option<Text>,
    /// The Referer header.
    pub referrer: Option<Text>,
    /// The line could not be read beyond doubt, so what could be forged was left out.
    pub doubtful: bool,
    /// The message opens a quote and does not surely end in this line: the lines that follow
    /// within 2048 bytes may be its text, not nginx's; see [`OwnLines`].
    pub unfinished: bool,
}

/// Longest line that nginx did surely not cut, in bytes.
const SURELY_WHOLE: usize = 2000;
const CLIENT: &str = ", client: ";

/// Takes a line apart. `None` when it is not a line of nginx's error log.
pub fn parse(line: &str) -> Option<NginxLine> {
    let head = head(line)?;
    let cut = cut(line, head.body);
    let told = cut.message.rfind('"').map_or(cut.message, |at| after(cut.message, at));
    let mut read = NginxLine {
        at: head.at.map(Text::from),
        level: Text::from(head.level),
        pid: head.pid,
        tid: head.tid,
        connection: head.connection,
        message: Text::from(cut.message),
        errno: errno(told),
        phase: Phase::of(told),
        client: None,
        server: None,
        request: None,
        subrequest: None,
        upstream: None,
        upstream_address: None,
        upstream_group: None,
        host: None,
        referrer: None,
        doubtful: cut.doubtful,
        unfinished: unfinished(&head, &cut),
    };
    if let Some(tail) = cut.tail {
        read_tail(tail, &mut read);
    }
    Some(read)
}

/// Level and message of a line, for classifying. Cheap: nothing is copied.
pub(super) fn message_of(line: &str) -> Option<(Option<&str>, &str)> {
    let head = head(line)?;
    Some((Some(head.level), cut(line, head.body).message))
}

/// Whether the message opens a quote and does not surely end in this line.
pub(super) fn is_unfinished(line: &str) -> bool {
    head(line).is_some_and(|head| unfinished(&head, &cut(line, head.body)))
}

/// A message about a client's connection always ends in `, client: …`.
fn unfinished(head: &Head<'_>, cut: &Cut<'_>) -> bool {
    let foreign = cut.doubtful || cut.message.contains('"');
    head.connection.is_some() && cut.tail.is_none() && foreign
}

struct Head<'a> {
    at: Option<&'a str>,
    level: &'a str,
    pid: Option<u32>,
    tid: Option<u32>,
    connection: Option<u64>,
    body: &'a str,
}

/// `2026/11/20 18:17:42 [error] 26779#26779: *3 BODY`, or `nginx: [emerg] BODY` and
/// `nginx: configuration file … test failed` as printed at start.
fn head(line: &str) -> Option<Head<'_>> {
    let stamped = is_stamp(line.as_bytes());
    let (at, rest) = if stamped {
        (line.get(..19), line.get(20..)?)
    } else {
        (None, line.strip_prefix("nginx: ")?)
    };
    let mut head = Head { at, level: "", pid: None, tid: None, connection: None, body: rest };
    let Some((level, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
        return (!stamped && rest.starts_with("configuration file ")).then_some(head);
    };
    if level.is_empty() || level.len() > 8 || !level.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    head.level = level;
    head.body = rest;
    if !stamped {
        return Some(head);
    }
    let (process, rest) = rest.split_once(": ")?;
    let (pid, tid) = process.split_once('#')?;
    head.pid = Some(pid.parse().ok()?);
    head.tid = Some(tid.parse().ok()?);
    head.body = rest;
    if let Some((number, rest)) = rest.strip_prefix('*').and_then(|rest| rest.split_once(' ')) {
        head.connection = Some(number.parse().ok()?);
        head.body = rest;
    }
    Some(head)
}

fn is_stamp(line: &[u8]) -> bool {
    const SHAPE: &[u8; 20] = b"0000/00/00 00:00:00 ";
    line.len() > SHAPE.len()
        && SHAPE.iter().zip(line).all(|(want, is)| match want {
            b'0' => is.is_ascii_digit(),
            other => is == other,
        })
}

struct Cut<'a> {
    message: &'a str,
    tail: Option<&'a str>,
    doubtful: bool,
}

/// Parts the message from the fields behind it.
fn cut<'a>(line: &str, body: &'a str) -> Cut<'a> {
    let end = body.find(CLIENT);
    let message = end.and_then(|end| body.get(..end)).unwrap_or(body);
    let tail = end.and_then(|end| body.get(end..));
    let Some(quote) = message.find('"') else { return Cut { message, tail, doubtful: false } };
    let Some(fields) = tail else { return Cut { message, tail, doubtful: false } };
    let second = fields.get(CLIENT.len()..).is_some_and(|rest| rest.contains(CLIENT));
    if second || line.len() > SURELY_WHOLE || has_mark(line) {
        let message = message.get(..quote).unwrap_or_default().trim_end();
        return Cut { message, tail: None, doubtful: true };
    }
    Cut { message, tail, doubtful: false }
}

/// The number in `(111: Connection refused)`.
fn errno(message: &str) -> Option<i32> {
    message.match_indices('(').find_map(|(at, _)| {
        let (number, _) = after(message, at).split_once(": ")?;
        let short = !number.is_empty() && number.len() <= 3;
        (short && number.bytes().all(|b| b.is_ascii_digit())).then(|| number.parse().ok())?
    })
}

/// What stands behind the one-byte character at `at`.
fn after(text: &str, at: usize) -> &str {
    text.get(at.saturating_add(1)..).unwrap_or_default()
}

/// How a further field opens behind a closing quote, in nginx's order.
const FIELDS: [&str; 4] =
    ["\", subrequest: \"", "\", upstream: \"", "\", host: \"", "\", referrer: \""];

fn read_tail(tail: &str, read: &mut NginxLine) {
    let rest = tail.strip_prefix(CLIENT).unwrap_or_default();
    let (client, rest) = until(rest, &[", server: ", ", request: \"", ", upstream: \""]);
    read.client = Some(Text::from(client));
    let rest = match rest.strip_prefix(", server: ") {
        Some(rest) => {
            let ends = [", request: \"", ", upstream: \"", ", host: \"", ", bytes from/to "];
            let (server, rest) = until(rest, &ends);
            read.server = Some(Text::from(server));
            rest
        }
        None => rest,
    };
    let rest = match rest.strip_prefix(", request: \"") {
        Some(rest) => {
            let Some((request, rest)) = request_of(rest) else {
                read.doubtful = true;
                return;
            };
            let path = request.split('?').next().unwrap_or(request);
            read.request = Some(Text::from(path));
            rest
        }
        None => rest,
    };
    let rest = match rest.strip_prefix(", subrequest: \"") {
        Some(rest) => {
            // A subrequest's path may hold foreign text; a second upstream makes it doubtful.
            if rest.matches(", upstream: \"").count() > 1 {
                read.doubtful = true;
                return;
            }
            let (subrequest, rest) = value(rest);
            read.subrequest = Some(Text::from(subrequest));
            rest
        }
        None => rest,
    };
    let rest = match rest.strip_prefix(", upstream: \"") {
        Some(rest) => {
            read_upstream(rest, read);
            value(rest).1
        }
        None => rest,
    };
    let rest = match rest.strip_prefix(", host: \"") {
        Some(rest) => {
            let (host, rest) = value(rest);
            read.host = Some(Text::from(host));
            rest
        }
        None => rest,
    };
    if let Some(referrer) = rest.strip_prefix(", referrer: \"") {
        read.referrer = Some(Text::from(referrer.strip_suffix('"').unwrap_or(referrer)));
    }
}

/// Splits before the first of several marks.
fn until<'a>(text: &'a str, marks: &[&str]) -> (&'a str, &'a str) {
    let at = marks.iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// A quoted value and what follows it: it ends at a quote that a further field or the end follows.
fn value(text: &str) -> (&str, &str) {
    let ends = |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        rest.len() == 1
            || rest.starts_with("\", bytes from/to ")
            || FIELDS.iter().any(|field| rest.starts_with(field))
    };
    match text.match_indices('"').map(|(at, _)| at).find(|at| ends(*at)) {
        Some(at) => (text.get(..at).unwrap_or_default(), after(text, at)),
        None => (text, ""),
    }
}

/// The request line without its version, and what follows it; `None` when its end is not beyond
/// doubt.
fn request_of(text: &str) -> Option<(&str, &str)> {
    let mut ends = text.match_indices(" HTTP/").filter_map(|(at, mark)| {
        let rest = text.get(at.saturating_add(mark.len())..)?;
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        Some((at, rest.trim_start_matches(' ').strip_prefix('"')?))
    });
    let (at, rest) = ends.next()?;
    let request = text.get(..at)?;
    let sure = ends.next().is_none() && !FIELDS.iter().any(|field| request.contains(field));
    sure.then_some((request, rest))
}

/// Reads `http://127.0.0.1:9001/uri"`, `fastcgi://unix:/run/x.sock:"`, `127.0.0.1:3306"`. Without
/// the delimiter behind the address the line was cut, and a cut port is another port.
fn read_upstream(text: &str, read: &mut NginxLine) {
    let scheme_end = text.find("://").filter(|at| {
        text.get(..*at).is_some_and(|scheme| scheme.bytes().all(|b| b.is_ascii_lowercase()))
    });
    let start = scheme_end.map_or(0, |at| at.saturating_add(3));
    let rest = text.get(start..).unwrap_or_default();
    let length = match rest.strip_prefix("unix:") {
        Some(path) => path.find([':', '"']).map(|at| at.saturating_add(5)),
        None => rest.find(['/', '?', '#', '"']),
    };
    let Some(length) = length else {
        read.doubtful = true;
        return;
    };
    let authority = rest.get(..length).unwrap_or_default();
    let whole = text.get(..start.saturating_add(length)).unwrap_or_default();
    read.upstream = Some(Text::from(whole));
    let bare = authority.trim_end_matches(|c: char| c.is_ascii_digit());
    if authority.starts_with("unix:") || (bare.ends_with(':') && bare.len() < authority.len()) {
        read.upstream_address = Address::parse(authority, 0);
    } else if !authority.is_empty() {
        read.upstream_group = Some(Text::from(authority));
    }
}
