//! The clients of a world: they ask through the gateway, all the time, and tell what they got.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Semaphore,
    task::LocalSet,
    time::timeout,
};

use crate::host::files::Root;

use super::{
    net::{Peer, Stream},
    setup::Asked,
};

/// Bytes of what they are told.
const TOLD: u64 = 1 << 20;
/// Bytes of an answer.
const ANSWER: u64 = 4 << 20;
/// How long a client waits.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests for one route at the same time.
const AT_ONCE: usize = 2;
/// Shortest pause between two requests for one route.
const SHORTEST: u32 = 50;

/// What the clients ask.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    /// Where the gateway listens.
    pub(super) gateway: SocketAddr,
    /// What they ask for.
    pub(super) routes: Vec<Asked>,
}

/// Where it stands, below `.world`.
pub(super) const FILE: &str = "clients.json";

/// Asks until whoever listens to them is gone.
pub(super) fn run(world: &Path) -> u8 {
    let Ok(told) = Root::default().read(world.join(".world").join(FILE), TOLD) else { return 2 };
    let Ok(errand) = serde_json::from_slice::<Errand>(&told) else { return 2 };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return 2;
    };
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let all = errand.routes.iter().enumerate();
        let all = all.map(|(at, route)| ask_for_ever(at, errand.gateway, route.clone()));
        futures_util::future::join_all(all).await;
    });
    0
}

async fn ask_for_ever(at: usize, gateway: SocketAddr, route: Asked) {
    let places = std::sync::Arc::new(Semaphore::new(AT_ONCE));
    let pause = Duration::from_millis(u64::from(route.every_ms.max(SHORTEST)));
    loop {
        let Ok(place) = std::sync::Arc::clone(&places).acquire_owned().await else { return };
        let path = route.path.clone();
        tokio::task::spawn_local(async move {
            let status = timeout(PATIENCE, ask(gateway, &path)).await.unwrap_or(Ok(0)).unwrap_or(0);
            let told = writeln!(io::stdout().lock(), "{at} {status}");
            if told.is_err() {
                std::process::exit(0);
            }
            drop(place);
        });
        tokio::time::sleep(pause).await;
    }
}

/// Asks once: the status, 0 for what was no whole answer.
async fn ask(gateway: SocketAddr, path: &str) -> io::Result<u16> {
    let mut stream = Stream::connect(&Peer::Tcp(gateway)).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {gateway}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) \
         Gecko/20100101 Firefox/128.0\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(ANSWER).read_to_end(&mut bytes).await?;
    Ok(status(&bytes))
}

/// The status of a whole answer.
fn status(bytes: &[u8]) -> u16 {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return 0 };
    let (head, body) = bytes.split_at_checked(end + 4).unwrap_or((bytes, &[]));
    let head = String::from_utf8_lossy(head);
    let Some(rest) = head.strip_prefix("HTTP/1.") else { return 0 };
    let status = rest.split(' ').nth(1).and_then(|code| code.get(..3)).and_then(|c| c.parse().ok());
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())
            .flatten()
    });
    if length.is_some_and(|length| body.len() < length) { 0 } else { status.unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_whole_answer_has_a_status() {
        assert_eq!(status(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nab"), 502);
        assert_eq!(status(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"), 0);
        assert_eq!(status(b"HTTP/1.1 200 OK\r\n\r\nuntil it closes"), 200);
        assert_eq!((status(b"\x15\x03 garbage\r\n\r\n"), status(b"")), (0, 0));
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes: Vec<u8>, text in "HTTP/1.1 .{0,20}\r\n\r\n.{0,9}") {
            let _ = (status(&bytes), status(text.as_bytes()));
        }
    }
}
