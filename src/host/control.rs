//! Asks a gateway for its own state, over its control socket or admin port. What is asked is a closed
//! list of questions that change nothing; an answer has a deadline and a bound.

use std::{io, net::SocketAddr, os::fd::AsRawFd, path::Path, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::{
    connect::is_control_socket,
    control_owner::{answers_tcp, answers_unix},
    files::Root,
};

/// Longest answer, in bytes.
pub const MOST: u64 = 16 << 20;

/// What can be asked. All of them only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// HAProxy's figures, the state of every server, and the last answers that it refused
    /// (<https://docs.haproxy.org/2.8/management.html#9.3>).
    HaproxyState,
    /// Envoy's hosts with their health
    /// (<https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--clusters>).
    EnvoyClusters,
    /// Caddy's upstreams with their failures
    /// (<https://caddyserver.com/docs/api#get-reverse-proxyupstreams>).
    CaddyUpstreams,
    /// The configuration that Caddy works with
    /// (<https://caddyserver.com/docs/api#get-configpath>).
    CaddyConfig,
}

impl Question {
    /// The question at a port; without one, at a unix socket. Caddy refuses hosts that are not its own:
    /// on loopback they are names with the port, at a socket there is none
    /// (<https://caddyserver.com/docs/json/admin/origins/>).
    fn words(self, port: Option<u16>) -> Vec<u8> {
        let path = match self {
            Self::HaproxyState => return b"show info;show stat;show errors\n".to_vec(),
            Self::EnvoyClusters => "/clusters?format=json",
            Self::CaddyUpstreams => "/reverse_proxy/upstreams",
            Self::CaddyConfig => "/config/",
        };
        let host = port.map(|port| format!("localhost:{port}")).unwrap_or_default();
        format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n").into_bytes()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The socket refuses, is not there, or may not be used.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Another process than the gateway's listens there: it is not asked.
    #[error("another process than the gateway's listens there: it is not asked")]
    Stranger,
    /// Nothing, or not all of it, came in time.
    #[error("no whole answer within {} ms", .0.as_millis())]
    TooSlow(Duration),
    /// The answer is no answer to the question.
    #[error("answered {0}")]
    Refused(String),
}

/// What came back; whether it was cut.
#[derive(Debug)]
pub struct Answer {
    /// The bytes, without an HTTP header.
    pub bytes: Vec<u8>,
    /// Whether more was there than is taken.
    pub cut: bool,
}

/// Asks over a unix socket below a root, out of which no link leads; one of a manager of the host is
/// never asked. On the host itself nothing is asked but what belongs to the gateway's process `pid`:
/// in a container only its own sockets can be named.
///
/// # Errors
/// [`ControlError`].
pub async fn ask_unix(
    root: &Root,
    path: &Path,
    pid: u32,
    question: Question,
    limit: Duration,
) -> Result<Answer, ControlError> {
    let asked = async {
        let pinned = root.pin(path)?;
        let door = format!("/proc/self/fd/{}", pinned.as_raw_fd());
        let real = rustix::fs::readlink(&door, Vec::new()).map_err(io::Error::from)?;
        if is_control_socket(&String::from_utf8_lossy(real.as_bytes())) {
            return Err(ControlError::Refused("for another daemon: it is not asked".to_owned()));
        }
        let stream = UnixStream::connect(door).await?;
        let host = root.prefix().as_os_str().is_empty();
        if host && !answers_unix(pid, &pinned, stream.peer_cred()?)? {
            return Err(ControlError::Stranger);
        }
        converse(stream, question, None).await
    };
    timeout(limit, asked).await.map_err(|_| ControlError::TooSlow(limit))?
}

/// Asks over TCP, if what listens there belongs to the gateway's process `pid`.
///
/// # Errors
/// [`ControlError`].
pub async fn ask_tcp(
    address: SocketAddr,
    pid: u32,
    question: Question,
    limit: Duration,
) -> Result<Answer, ControlError> {
    let asked = async {
        let stream = TcpStream::connect(address).await?;
        if !answers_tcp(pid, address)? {
            return Err(ControlError::Stranger);
        }
        converse(stream, question, Some(address.port())).await
    };
    timeout(limit, asked).await.map_err(|_| ControlError::TooSlow(limit))?
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    question: Question,
    port: Option<u16>,
) -> Result<Answer, ControlError> {
    stream.write_all(&question.words(port)).await?;
    let mut bytes = Vec::new();
    let mut answer = stream.take(MOST + 1);
    match answer.read_to_end(&mut bytes).await {
        Ok(_) => {}
        // Who closes hard after a whole answer has answered.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !bytes.is_empty() => {}
        Err(error) => return Err(error.into()),
    }
    let cut = bytes.len() as u64 > MOST;
    if question == Question::HaproxyState {
        return Ok(Answer { bytes, cut });
    }
    let end = memchr::memmem::find(&bytes, b"\r\n\r\n");
    let head =
        String::from_utf8_lossy(bytes.get(..end.unwrap_or(0).min(4_096)).unwrap_or_default());
    let status = head.split(' ').nth(1).unwrap_or("nothing that is HTTP").to_owned();
    match end.filter(|_| status == "200") {
        Some(end) => Ok(Answer { bytes: bytes.split_off(end + 4), cut }),
        None => Err(ControlError::Refused(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn own() -> u32 {
        std::process::id()
    }

    /// A daemon that answers so, and what it was asked.
    async fn told(
        answer: &'static [u8],
        question: Question,
    ) -> (Result<Answer, ControlError>, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let daemon = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 512];
            let n = stream.read(&mut asked).await.unwrap();
            asked.truncate(n);
            stream.write_all(answer).await.unwrap();
            asked
        };
        let root = Root::default();
        tokio::join!(ask_unix(&root, &path, own(), question, LIMIT), daemon)
    }

    #[tokio::test]
    async fn answers_are_taken_whole_and_questions_only_read() {
        let (answer, asked) = told(b"Name: HAProxy\n", Question::HaproxyState).await;
        assert_eq!(answer.unwrap().bytes, b"Name: HAProxy\n");
        assert!(asked.split(|b| *b == b';').all(|command| command.starts_with(b"show ")));
        let (answer, asked) =
            told(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n[]", Question::CaddyUpstreams).await;
        assert_eq!(answer.unwrap().bytes, b"[]");
        assert!(asked.starts_with(b"GET "));
        let (answer, _) = told(b"HTTP/1.0 403 Forbidden\r\n\r\nno", Question::EnvoyClusters).await;
        assert!(matches!(answer, Err(ControlError::Refused(status)) if status == "403"));
        let (answer, _) = told(b"\xff\xfe", Question::EnvoyClusters).await;
        assert!(matches!(answer, Err(ControlError::Refused(_))));
    }

    #[test]
    fn caddy_is_called_by_a_host_that_it_takes_for_its_own() {
        let asked = |port| String::from_utf8(Question::CaddyConfig.words(port)).unwrap();
        assert!(asked(Some(2020)).starts_with("GET /config/ HTTP/1.0\r\nHost: localhost:2020\r\n"));
        assert!(asked(None).contains("\r\nHost: \r\n"));
    }

    #[tokio::test]
    async fn who_says_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let _listener = tokio::net::UnixListener::bind(&path).unwrap();
        let limit = Duration::from_millis(30);
        let answer = ask_unix(&Root::default(), &path, own(), Question::HaproxyState, limit).await;
        assert!(matches!(answer, Err(ControlError::TooSlow(_))));
    }

    #[tokio::test]
    async fn a_link_in_a_container_leads_to_no_socket_of_the_host() {
        let (host, container) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = host.path().join("s");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        std::os::unix::fs::symlink(&path, container.path().join("s")).unwrap();
        let root = Root::new(container.path());
        let answer = ask_unix(&root, Path::new("/s"), own(), Question::HaproxyState, LIMIT).await;
        assert!(
            matches!(answer, Err(ControlError::Io(error)) if error.kind() == io::ErrorKind::NotFound)
        );
        let docker = host.path().join("docker.sock");
        let other = tokio::net::UnixListener::bind(&docker).unwrap();
        std::os::unix::fs::symlink(&docker, host.path().join("stats")).unwrap();
        let stats = host.path().join("stats");
        let answer = ask_unix(&Root::default(), &stats, own(), Question::HaproxyState, LIMIT).await;
        assert!(matches!(answer, Err(ControlError::Refused(_))));
        for listener in [listener, other] {
            let listener = listener.into_std().unwrap();
            assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
    }

    #[tokio::test]
    async fn an_admin_port_of_another_process_is_told_nothing() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let at = listener.local_addr().unwrap();
        let mut other = std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap();
        let answer = ask_tcp(at, other.id(), Question::CaddyUpstreams, LIMIT).await;
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(matches!(answer, Err(ControlError::Stranger)), "{answer:?}");
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = Vec::new();
        io::Read::read_to_end(&mut stream, &mut heard).unwrap();
        assert!(heard.is_empty());
    }
}
