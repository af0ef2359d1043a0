//! Why a file is not changed.

use std::{io, path::PathBuf};

use rustix::io::Errno;

/// Why a file cannot be changed, or was not. Paths in it are from outside.
#[derive(Debug, thiserror::Error)]
pub enum EditFileError {
    /// It does not exist.
    #[error("no such file or directory")]
    Missing,
    /// We may not.
    #[error("permission denied")]
    Denied,
    /// It is a directory, FIFO, socket or device, or lies in a file system of the kernel's own.
    #[error("not a regular file")]
    NotAFile,
    /// It is longer than what is edited, in bytes.
    #[error("longer than {0} bytes")]
    TooLong(u64),
    /// Somebody else could put another file there.
    #[error("{0:?} can be changed by others than its owner: what is written there can be replaced")]
    Untrusted(PathBuf),
    /// The file or its directory carries the immutable or append-only attribute (chattr(1)).
    #[error("{0:?} has the immutable or append-only attribute (lsattr shows it)")]
    Immutable(PathBuf),
    /// The file system is mounted read-only.
    #[error("the file system is read-only")]
    ReadOnly,
    /// An extended attribute cannot be kept.
    #[error("its attribute {0} cannot be kept")]
    Attribute(String),
    /// Somebody changed or replaced the file since it was read.
    #[error("somebody else changed it meanwhile")]
    Changed,
    /// No room: blocks, inodes or quota.
    #[error("no room left on its file system")]
    Full,
    /// Anything else.
    #[error("{0}")]
    Io(io::Error),
}

impl From<Errno> for EditFileError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR => Self::Missing,
            Errno::ACCESS | Errno::PERM => Self::Denied,
            Errno::ROFS => Self::ReadOnly,
            Errno::NOSPC | Errno::DQUOT => Self::Full,
            other => Self::Io(other.into()),
        }
    }
}

impl From<io::Error> for EditFileError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) => Errno::from_raw_os_error(code).into(),
            None => Self::Io(error),
        }
    }
}

/// What stands at the path after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// What stood there before, to the byte.
    Old,
    /// What was to be written, though the disk may not have it yet.
    New,
    /// Neither: a write in place broke off and could not be taken back.
    Torn,
}

/// A write that failed.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct WriteError {
    /// Why.
    pub error: EditFileError,
    /// What stands there now.
    pub live: Live,
}

impl WriteError {
    pub(super) fn old(error: impl Into<EditFileError>) -> Self {
        Self { error: error.into(), live: Live::Old }
    }

    pub(super) fn new(error: impl Into<EditFileError>) -> Self {
        Self { error: error.into(), live: Live::New }
    }
}
