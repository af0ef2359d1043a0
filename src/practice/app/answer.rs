//! What a program answers, in its protocol.

use std::{fmt::Write, time::Duration};

use tokio::{io::AsyncReadExt, time::timeout};

use crate::practice::{
    fastcgi::{self, Next, kind},
    gateway::receive,
    net::Stream,
    setup::Speaks,
};

/// Bytes of a request that are read.
const REQUEST: usize = 2 << 20;
/// How long whoever asks may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(15);

/// Reads a request; its path, or `None` when it is none.
pub(super) async fn asked(stream: &mut Stream, speaks: Speaks) -> Option<String> {
    match speaks {
        Speaks::Http => receive(stream).await.ok().map(|(head, _)| head.path().to_owned()),
        Speaks::Fastcgi => timeout(PATIENCE, asked_by_fastcgi(stream)).await.ok().flatten(),
    }
}

async fn asked_by_fastcgi(stream: &mut Stream) -> Option<String> {
    let (mut bytes, mut parameters) = (Vec::new(), Vec::new());
    // What speaks another protocol is not read further: the close is then a reset, as of php-fpm.
    let mut first = [0_u8; 8];
    stream.read_exact(&mut first).await.ok()?;
    bytes.extend(first);
    loop {
        match fastcgi::next(&bytes) {
            Next::Foreign(_) => return None,
            Next::More => {
                if bytes.len() > REQUEST || stream.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
            }
            Next::Record(record, used) => {
                match record.kind {
                    kind::PARAMS => parameters.extend_from_slice(record.content),
                    kind::STDIN if record.content.is_empty() => {
                        let uri = fastcgi::parameter(&parameters, "REQUEST_URI");
                        return Some(uri.unwrap_or_else(|| "/".to_owned()));
                    }
                    _ => {}
                }
                bytes.drain(..used.min(bytes.len()));
                if parameters.len() > REQUEST {
                    return None;
                }
            }
        }
    }
}

/// A whole answer with this many further bytes in its head.
pub(super) fn whole(speaks: Speaks, status: u16, body: &str, header_bytes: usize) -> Vec<u8> {
    let mut extra = String::new();
    while extra.len() < header_bytes {
        let name = extra.len();
        let _ = write!(extra, "Set-Cookie: part{name}={}\r\n", "x".repeat(1_000));
    }
    let fields = format!("Content-Type: text/plain\r\n{extra}Content-Length: {}\r\n", body.len());
    match speaks {
        Speaks::Http => {
            format!("HTTP/1.1 {status} {}\r\n{fields}Connection: close\r\n\r\n{body}", word(status))
                .into_bytes()
        }
        Speaks::Fastcgi => {
            let document = format!("Status: {status} {}\r\n{fields}\r\n{body}", word(status));
            fastcgi::answer(document.as_bytes())
        }
    }
}

/// An answer that announces more than it holds.
pub(super) fn cut(speaks: Speaks, body: &str) -> Vec<u8> {
    let fields = format!("Content-Type: text/plain\r\nContent-Length: {}\r\n", body.len() + 10_000);
    match speaks {
        Speaks::Http => format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}").into_bytes(),
        Speaks::Fastcgi => {
            let mut out = Vec::new();
            let document = format!("Status: 200 OK\r\n{fields}\r\n{body}");
            fastcgi::put(&mut out, kind::STDOUT, document.as_bytes());
            out
        }
    }
}

const fn word(status: u16) -> &'static str {
    match status {
        200 => "OK",
        404 => "Not Found",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
