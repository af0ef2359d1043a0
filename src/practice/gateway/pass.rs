//! One request, from what the client sent to what it gets: which peer is asked, who is asked next,
//! what is logged.

use std::time::Duration;

use tokio::{io::AsyncWriteExt, time::timeout};

use crate::practice::net::{Peer, Stream};

use super::{
    exchange::{Answer, Fault, Read, asked_uri, attempt, question},
    log::{Level, Logs, errno},
    page,
    plan::{Location, Pass},
    request::Head,
    worker::Shared,
};

/// How long a client may take nothing (nginx's `send_timeout`).
const SEND: Duration = Duration::from_mins(1);

/// What is known of a client's connection while it is answered.
#[derive(Debug)]
pub(super) struct Turn<'r> {
    pub(super) request: &'r Head,
    pub(super) body: &'r [u8],
    /// Name of the virtual host.
    pub(super) server: &'r str,
    /// Number of the connection.
    pub(super) number: u64,
}

/// Passes a request on and answers the client; the status and bytes for the access log.
pub(super) async fn pass(
    shared: &Shared,
    client: &mut Stream,
    turn: &Turn<'_>,
    location: &Location,
    to: &Pass,
) -> (String, u64) {
    let asked = question(to, &location.path, turn.request, turn.body);
    let mut tried = Vec::new();
    let mut status = 502;
    loop {
        let Some(at) = shared.balance.next(to, &tried) else {
            if tried.is_empty() {
                let words = "no live upstreams while connecting to upstream";
                complain(
                    &shared.logs,
                    turn,
                    location,
                    to,
                    None,
                    &Fault { status: 502, level: Level::Error, words: words.to_owned() },
                );
            }
            break;
        };
        tried.push(at);
        let Some(backend) = to.peers.get(at) else { break };
        match attempt(to, &backend.peer, &asked).await {
            Ok(answer) => {
                shared.balance.ended(to, at, true);
                let told = |level, words: &str| {
                    let fault = Fault { status: 200, level, words: words.to_owned() };
                    complain(&shared.logs, turn, location, to, Some(&backend.peer), &fault);
                };
                return relay(client, answer, told).await;
            }
            Err(fault) => {
                shared.balance.ended(to, at, false);
                complain(&shared.logs, turn, location, to, Some(&backend.peer), &fault);
                status = fault.status;
            }
        }
    }
    let (bytes, length) = page::page(status, None);
    let _ = client.write_all(&bytes).await;
    (status.to_string(), length)
}

/// Sends on what a peer answers, until it ends or the client goes away.
async fn relay(
    client: &mut Stream,
    mut answer: Answer,
    told: impl Fn(Level, &str),
) -> (String, u64) {
    if let Some(remark) = answer.remark {
        told(Level::Error, &format!("{remark} while reading response header from upstream"));
    }
    let mut sent: u64 = 0;
    if !send(client, &answer.head).await {
        return ("499".to_owned(), 0);
    }
    loop {
        let mut part = std::mem::take(&mut answer.rest.said);
        if let Some(length) = answer.length {
            part.truncate(usize::try_from(length.saturating_sub(sent)).unwrap_or(usize::MAX));
        }
        sent += u64::try_from(part.len()).unwrap_or(0);
        if !send(client, &part).await || answer.length.is_some_and(|n| sent >= n) {
            break;
        }
        let phase = "while reading upstream";
        match answer.rest.read().await {
            Read::More => continue,
            Read::Whole => {}
            Read::Closed if answer.length.is_none() => {}
            Read::Closed => {
                told(Level::Error, &format!("upstream prematurely closed connection {phase}"));
            }
            Read::Late => {
                told(
                    Level::Error,
                    &format!("upstream timed out (110: Connection timed out) {phase}"),
                );
            }
            Read::Failed(error) => {
                told(Level::Error, &format!("recv() failed ({}) {phase}", errno(&error)));
            }
            Read::Foreign(version) => told(
                Level::Error,
                &format!("upstream sent unsupported FastCGI protocol version: {version} {phase}"),
            ),
        }
        break;
    }
    (answer.status, sent)
}

/// Whether the client took it.
async fn send(client: &mut Stream, bytes: &[u8]) -> bool {
    matches!(timeout(SEND, client.write_all(bytes)).await, Ok(Ok(())))
}

/// Writes the line of a failed attempt, with whom it concerned.
fn complain(
    logs: &Logs,
    turn: &Turn<'_>,
    location: &Location,
    to: &Pass,
    peer: Option<&Peer>,
    fault: &Fault,
) {
    let scheme = if to.fastcgi { "fastcgi" } else { "http" };
    let uri = if to.fastcgi { String::new() } else { asked_uri(to, &location.path, turn.request) };
    let whom = match peer {
        None => format!("{scheme}://{}{uri}", to.name),
        Some(Peer::Tcp(address)) => format!("{scheme}://{address}{uri}"),
        Some(Peer::Unix(path)) => format!("{scheme}://unix:{}:{uri}", path.display()),
    };
    let clean = |text: &str| text.replace(|c: char| c.is_control() || c == '"', "?");
    let host = turn.request.field("host").map(|host| format!(", host: \"{}\"", clean(host)));
    let line = format!(
        "{}, client: 127.0.0.1, server: {}, request: \"{}\", upstream: \"{}\"{}",
        fault.words,
        turn.server,
        clean(&turn.request.line),
        clean(&whom),
        host.unwrap_or_default()
    );
    logs.error(fault.level, Some(turn.number), &line);
}
