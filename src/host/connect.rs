//! Connects for probes: made the way a gateway makes them, closed at once, never a request.

use std::{io, net::SocketAddr, os::fd::OwnedFd, time::Duration};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, ipproto};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::{clock, files::Root, handshake, netns, probe_budget::Answer};
use crate::observation::{NetNs, ProbeOutcome, Text};

/// How long a connection is watched for a peer that closes it at once.
const WATCH: Duration = Duration::from_millis(60);
/// Longest wait for the answer to a greeting.
const GREETING: Duration = Duration::from_millis(900);
/// Longest wait for the answer to a second one, of a server that answered the first.
const SECOND_GREETING: Duration = Duration::from_millis(500);

/// From which network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum From {
    /// Our own.
    Here,
    /// The one that this process is in.
    Inside {
        /// A process in it.
        pid: u32,
        /// Which one it must be.
        netns: NetNs,
    },
}

/// What is done with a connection before it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing.
    Close,
    /// Watched for a moment: a port forwarder with nothing behind it closes at once.
    Watch,
    /// A TLS handshake is made and broken off.
    Greet,
}

/// The name of a server, and whether a gateway says it in its greeting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerName {
    /// The name; `None` where only an address is known.
    pub name: Option<String>,
    /// Whether the first greeting says it.
    pub said: bool,
}

/// Connects over TCP and closes.
pub async fn tcp(
    address: SocketAddr,
    from: From,
    limit: Duration,
    after: After,
    server: &ServerName,
) -> Answer {
    let begun = clock::now().boot;
    let (outcome, stream) = match timeout(limit, open_tcp(address, from)).await {
        Ok(Ok(stream)) => (ProbeOutcome::Connected, Some(stream)),
        Ok(Err(error)) => (outcome_of(&error), None),
        Err(_) => (ProbeOutcome::TimedOut, None),
    };
    let micros = clock::now().boot.0.saturating_sub(begun.0);
    let mut answer = Answer { outcome, micros, tls: None, tls_facts: None };
    let Some(stream) = stream else { return answer };
    match after {
        After::Close => {}
        After::Watch => {
            if closes_at_once(&stream).await {
                answer.outcome = ProbeOutcome::ClosedAtOnce;
            }
        }
        After::Greet => {
            let name = server.name.as_deref();
            let first = handshake::greet(&stream, name.filter(|_| server.said), GREETING).await;
            drop(stream);
            answer.tls = Some(first.answer);
            answer.tls_facts = first.facts.map(Box::new);
            if let Some(name) = name.filter(|name| !server.said && amiss(&answer, name)) {
                let again = timeout(limit, open_tcp(address, from)).await;
                if let (Ok(Ok(stream)), Some(facts)) = (again, &mut answer.tls_facts) {
                    let named = handshake::greet(&stream, Some(name), SECOND_GREETING).await;
                    facts.with_name = named.facts.map(Box::new);
                }
            }
        }
    }
    answer
}

/// Whether a handshake without the server's name failed, or brought somebody else's certificate.
fn amiss(answer: &Answer, name: &str) -> bool {
    let Some(facts) = &answer.tls_facts else { return false };
    !facts.complete() || facts.certificate.as_ref().is_some_and(|c| !c.covers(name))
}

async fn open_tcp(address: SocketAddr, from: From) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let make = move || -> io::Result<OwnedFd> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let kind = SocketType::STREAM;
        Ok(rustix::net::socket_with(family, kind, flags, Some(ipproto::TCP))?)
    };
    let socket = match from {
        From::Here => make()?,
        From::Inside { pid, netns } => {
            let thread = tokio::task::spawn_blocking(move || netns::inside(pid, netns, make));
            thread.await.map_err(io::Error::other)??
        }
    };
    let stream = TcpSocket::from_std_stream(socket.into()).connect(address).await?;
    // A connect to a free port of the ephemeral range may meet itself (simultaneous open).
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(rustix::io::Errno::CONNREFUSED.into());
    }
    Ok(stream)
}

/// Whether the peer closes or resets within a moment, before any byte.
async fn closes_at_once(stream: &TcpStream) -> bool {
    let mut byte = [0_u8; 1];
    matches!(timeout(WATCH, stream.peek(&mut byte)).await, Ok(Ok(0) | Err(_)))
}

/// Connects to a unix socket below a root without waiting, and closes. The errors that only say
/// what *we* may do are not an outcome: rights are computed elsewhere.
pub fn unix(root: &Root, path: &str) -> Answer {
    let begun = clock::now().boot;
    let outcome = connect_unix(root, path);
    let micros = clock::now().boot.0.saturating_sub(begun.0);
    Answer { outcome, micros, tls: None, tls_facts: None }
}

fn connect_unix(root: &Root, path: &str) -> ProbeOutcome {
    let forbidden = || ProbeOutcome::Skipped(Text::new("a control socket is never touched"));
    let ours = || ProbeOutcome::Skipped(Text::new("we may not reach it as this user"));
    if is_control_socket(path) {
        return forbidden();
    }
    let pinned = match root.pin(path) {
        Ok(pinned) => pinned,
        Err(error) => {
            return match outcome_of(&error) {
                ProbeOutcome::Denied => ours(),
                outcome => outcome,
            };
        }
    };
    // The pinned file is reached through /proc: however long its path is, whatever has been
    // renamed, and whichever root it lies in.
    let door = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&pinned));
    let real = rustix::fs::readlink(&door, Vec::new()).map(std::ffi::CString::into_bytes);
    if real.is_ok_and(|real| is_control_socket(&String::from_utf8_lossy(&real))) {
        return forbidden();
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let connected = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
        .and_then(|socket| rustix::net::connect(&socket, &SocketAddrUnix::new(&door)?));
    match connected.map_err(io::Error::from) {
        Ok(()) => ProbeOutcome::Connected,
        Err(error) => match outcome_of(&error) {
            ProbeOutcome::Denied => ours(),
            ProbeOutcome::NoSuchFile => ProbeOutcome::Refused,
            outcome => outcome,
        },
    }
}

/// Sockets behind which a manager of the host listens.
pub(super) fn is_control_socket(path: &str) -> bool {
    const FOLDERS: [&str; 8] =
        ["systemd", "dbus", "containerd", "crio", "podman", "lxd", "incus", "libvirt"];
    const NAMES: [&str; 10] = [
        "docker.sock",
        "dockerd.sock",
        "podman.sock",
        "containerd.sock",
        "crio.sock",
        "system_bus_socket",
        "bus",
        "notify",
        "snapd.socket",
        "lxd.socket",
    ];
    let below = path.strip_prefix("/var/run/").or_else(|| path.strip_prefix("/run/"));
    let Some(below) = below else {
        return NAMES
            .iter()
            .any(|name| path.ends_with(name) && *name != "bus" && *name != "notify");
    };
    let mut parts = below.split('/');
    let mut first = parts.next().unwrap_or_default();
    if first == "user" {
        first = parts.nth(1).unwrap_or_default();
    }
    FOLDERS.contains(&first)
        || first.starts_with("docker")
        || path.rsplit('/').next().is_some_and(|name| NAMES.contains(&name))
}

fn outcome_of(error: &io::Error) -> ProbeOutcome {
    use rustix::io::Errno;
    let Some(errno) = Errno::from_io_error(error) else {
        return ProbeOutcome::Other(0);
    };
    match errno {
        Errno::CONNREFUSED => ProbeOutcome::Refused,
        Errno::NOENT => ProbeOutcome::NoSuchFile,
        Errno::ACCESS | Errno::PERM => ProbeOutcome::Denied,
        Errno::AGAIN => ProbeOutcome::QueueFull,
        Errno::TIMEDOUT => ProbeOutcome::TimedOut,
        Errno::HOSTUNREACH => ProbeOutcome::HostUnreachable,
        Errno::NETUNREACH => ProbeOutcome::NetworkUnreachable,
        other => ProbeOutcome::Other(other.raw_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener, os::unix::net::UnixListener};

    use super::*;
    use crate::observation::TlsAnswer;

    const LIMIT: Duration = Duration::from_secs(5);

    async fn dial(address: SocketAddr, after: After) -> Answer {
        tcp(address, From::Here, LIMIT, after, &ServerName::default()).await
    }

    #[tokio::test]
    async fn a_listener_answers_and_a_closed_port_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        assert_eq!(dial(at, After::Close).await.outcome, ProbeOutcome::Connected);
        assert_eq!(dial(at, After::Watch).await.outcome, ProbeOutcome::Connected);
        drop(listener);
        assert_eq!(dial(at, After::Close).await.outcome, ProbeOutcome::Refused);
    }

    #[tokio::test]
    async fn a_peer_that_closes_at_once_is_not_a_listener_that_works() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let stream = open_tcp(at, From::Here).await.unwrap();
        drop(listener.accept().unwrap());
        assert!(closes_at_once(&stream).await);
    }

    #[tokio::test]
    async fn nothing_is_sent_by_a_plain_probe() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
            bytes
        });
        dial(at, After::Watch).await;
        assert_eq!(server.join().unwrap(), b"");
    }

    async fn greeted(reply: &'static [u8]) -> TlsAnswer {
        use std::io::Write;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut hello = [0_u8; 3];
            peer.read_exact(&mut hello).unwrap();
            assert_eq!(hello, [0x16, 0x03, 0x01], "a client hello");
            peer.write_all(reply).unwrap();
        });
        let answer = dial(at, After::Greet).await;
        server.join().unwrap();
        assert_eq!(answer.outcome, ProbeOutcome::Connected);
        answer.tls.unwrap()
    }

    #[tokio::test]
    async fn the_answer_to_a_greeting_tells_tls_from_plain_http() {
        let plain = greeted(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        assert_eq!(plain, TlsAnswer::PlainHttp);
        assert_eq!(greeted(&[0x16, 3, 3, 0, 60, 2, 0, 0]).await, TlsAnswer::Tls);
        assert_eq!(greeted(&[0x15, 3, 1, 0, 2, 2, 70]).await, TlsAnswer::Alert(70));
    }

    #[test]
    fn a_stale_a_full_and_a_missing_unix_socket_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let ask = |name: &str| unix(&Root::default(), &at(name)).outcome;
        drop(UnixListener::bind(at("stale")).unwrap());
        assert_eq!(ask("stale"), ProbeOutcome::Refused);
        assert_eq!(ask("gone"), ProbeOutcome::NoSuchFile);
        let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddrUnix::new(at("full")).unwrap()).unwrap();
        rustix::net::listen(&socket, 0).unwrap();
        assert_eq!(ask("full"), ProbeOutcome::Connected);
        assert_eq!(ask("full"), ProbeOutcome::QueueFull);
    }

    #[test]
    fn a_socket_inside_another_root_is_reached_there() {
        let dir = tempfile::tempdir().unwrap();
        let _listener = UnixListener::bind(dir.path().join("a.sock")).unwrap();
        std::os::unix::fs::symlink("/a.sock", dir.path().join("b.sock")).unwrap();
        let root = Root::new(dir.path());
        assert_eq!(unix(&root, "/a.sock").outcome, ProbeOutcome::Connected);
        assert_eq!(unix(&root, "/b.sock").outcome, ProbeOutcome::Connected);
    }

    #[test]
    fn control_sockets_are_never_touched() {
        for path in [
            "/run/docker.sock",
            "/var/run/docker.sock",
            "/proc/9/root/var/run/docker.sock",
            "/run/systemd/private",
            "/run/systemd/journal/stdout",
            "/run/user/1000/bus",
            "/run/user/1000/systemd/private",
            "/run/dbus/system_bus_socket",
            "/run/containerd/containerd.sock",
            "/run/docker/metrics.sock",
        ] {
            assert!(is_control_socket(path), "{path}");
        }
        for path in ["/run/php/php8.2-fpm.sock", "/tmp/app.sock", "/run/gunicorn.socket"] {
            assert!(!is_control_socket(path), "{path}");
        }
    }
}
