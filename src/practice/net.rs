//! Sockets of practice: listeners and connections on loopback and on sockets of its own folder,
//! whose other end is a process of practice too.
#![expect(
    clippy::disallowed_types,
    reason = "these connect processes of practice with each other, and with nothing else"
)]

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use rustix::{
    fs::Mode,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream},
};

/// Where somebody listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) enum Peer {
    /// An address of this host.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

impl Peer {
    /// `127.0.0.1:80`, `[::1]:80`, `unix:/path`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some(path) => path.starts_with('/').then(|| Self::Unix(PathBuf::from(path))),
            None => text.parse().ok().map(Self::Tcp),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Connects.
    ///
    /// # Errors
    /// The system's, with its number.
    pub(super) async fn connect(peer: &Peer) -> io::Result<Self> {
        match peer {
            Peer::Tcp(address) => TcpStream::connect(address).await.map(Self::Tcp),
            Peer::Unix(path) => {
                // Not asked again when the queue is full: the gateway is told at once (EAGAIN).
                let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
                let kind = SocketType::STREAM;
                let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None)?;
                rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
                let stream = std::os::unix::net::UnixStream::from(socket);
                UnixStream::from_std(stream).map(Self::Unix)
            }
        }
    }

    /// Has the connection cut hard when it is dropped, where that can be.
    pub(super) fn reset_on_drop(&self) {
        if let Self::Tcp(stream) = self {
            let _ = sockopt::set_socket_linger(stream, Some(std::time::Duration::ZERO));
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// Somebody who listens.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens; a unix socket that was left behind is replaced, and gets this mode.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn bind(peer: &Peer, backlog: u32, mode: u32) -> io::Result<Self> {
        match peer {
            Peer::Tcp(address) => {
                let socket =
                    if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
                socket.set_reuseaddr(true)?;
                socket.bind(*address)?;
                socket.listen(backlog).map(Self::Tcp)
            }
            Peer::Unix(path) => {
                leave(path);
                let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
                let kind = SocketType::STREAM;
                let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None)?;
                rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
                rustix::fs::chmod(path, Mode::from_raw_mode(mode))?;
                rustix::net::listen(&socket, i32::try_from(backlog).unwrap_or(i32::MAX))?;
                let listener = std::os::unix::net::UnixListener::from(socket);
                UnixListener::from_std(listener).map(Self::Unix)
            }
        }
    }

    /// The next connection.
    ///
    /// # Errors
    /// The system's.
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Stream::Unix(stream)),
        }
    }
}

/// Takes a socket file away that this process made.
pub(super) fn leave(path: &Path) {
    let is_socket =
        |stat: &rustix::fs::Stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_socket();
    if rustix::fs::lstat(path).is_ok_and(|stat| is_socket(&stat)) {
        let _ = rustix::fs::unlink(path);
    }
}

/// Whether somebody accepts connections there.
pub(super) async fn answers(peer: &Peer) -> bool {
    Stream::connect(peer).await.is_ok()
}
