//! One question and one answer over a unix socket, bounded in time and bytes.

use std::{io, os::fd::AsRawFd, path::PathBuf, time::Duration};

use rustix::fs::FileType;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use crate::host::files::{FileError, Root};

/// Longest wait for an answer that only tells something.
pub const ANSWER: Duration = Duration::from_millis(800);

/// Why a manager was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TalkError {
    /// There is no such socket.
    #[error("no such socket")]
    Missing,
    /// We may not connect.
    #[error("permission denied")]
    Denied,
    /// Nobody listens on it.
    #[error("nobody listens on it any more")]
    Refused,
    /// Something else stands there.
    #[error("not a socket")]
    NotASocket,
    /// Somebody else listens on it.
    #[error("user {0} listens on it, not the manager's own")]
    Stranger(u32),
    /// No whole answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// The answer is too long, in bytes.
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
    /// It wants a password.
    #[error("it asks for a password")]
    Locked,
    /// It says no, in its own words.
    #[error("it says: {0}")]
    Said(String),
    /// The answer is not what it should be.
    #[error("its answer makes no sense: {0}")]
    Garbled(String),
    /// Anything else.
    #[error("{0}")]
    Io(String),
}

impl From<io::Error> for TalkError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::ConnectionRefused => Self::Refused,
            _ => Self::Io(error.to_string()),
        }
    }
}

/// A manager's socket, and as whom its listener must run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// Path of the socket.
    pub path: PathBuf,
    /// The manager's user, when it is known. root is believed too behind a socket that is this user's.
    pub uid: Option<u32>,
}

/// Sends `question` and reads until `whole` says that the answer is complete, or its sender closes.
pub(super) async fn ask(
    door: &Door,
    question: &[u8],
    cap: usize,
    limit: Duration,
    whole: impl Fn(&[u8]) -> Result<bool, TalkError> + Send,
) -> Result<Vec<u8>, TalkError> {
    let talk = async {
        let mut stream = open(door).await?;
        stream.write_all(question).await?;
        let mut answer = Vec::new();
        loop {
            // One byte more than is allowed tells that it goes on.
            let room = (cap + 1).saturating_sub(answer.len()).min(64 << 10);
            let mut part = (&mut stream).take(room as u64);
            let read = part.read_buf(&mut answer).await?;
            if answer.len() > cap {
                return Err(TalkError::TooLong(cap));
            }
            if whole(&answer)? || read == 0 {
                return Ok(answer);
            }
        }
    };
    timeout(limit, talk).await.unwrap_or(Err(TalkError::Late(limit)))
}

async fn open(door: &Door) -> Result<UnixStream, TalkError> {
    let pinned = Root::default().pin(&door.path)?;
    let stat = rustix::fs::fstat(&pinned).map_err(io::Error::from)?;
    if !FileType::from_raw_mode(stat.st_mode).is_socket() {
        return Err(TalkError::NotASocket);
    }
    // The pinned file is reached through /proc: however long its path is, and whatever has been put
    // in its place since.
    let stream = UnixStream::connect(format!("/proc/self/fd/{}", pinned.as_raw_fd())).await?;
    let peer = stream.peer_cred()?.uid();
    match door.uid {
        // A user's link can lead to a socket of root's: root is believed only behind the user's own.
        Some(uid) if peer != uid && (peer != 0 || stat.st_uid != uid) => {
            Err(TalkError::Stranger(peer))
        }
        _ => Ok(stream),
    }
}

impl From<FileError> for TalkError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Missing => Self::Missing,
            FileError::Denied => Self::Denied,
            other => Self::Io(other.to_string()),
        }
    }
}
