//! Why an engine could not be asked, in words.

use std::io;

use bollard::errors::Error as BollardError;

use super::BODY_LIMIT;

/// Why an engine could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    /// There is nothing at the path.
    #[error("no such file or directory")]
    Missing,
    /// What stands at the path is not a socket.
    #[error("not a socket")]
    NotASocket,
    /// The socket may not be used by us.
    #[error("permission denied")]
    Denied,
    /// Nothing listens on the socket.
    #[error("connection refused: no engine listens")]
    Refused,
    /// The engine does not run, and the next connection would start it and every container that
    /// it restarts (systemd.socket(5)): looking must not do that.
    #[error("docker.service does not run, and asking its socket would start it")]
    Dormant,
    /// The socket's queue is full.
    #[error("the engine does not accept connections: its queue is full")]
    QueueFull,
    /// The answer is longer than [`BODY_LIMIT`].
    #[error("the answer is longer than {BODY_LIMIT} bytes")]
    TooLong,
    /// The engine answered with an error.
    #[error("the engine answered {status}: {message}")]
    Status {
        /// HTTP status.
        status: u16,
        /// Its own words, at most 300 bytes.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("the answer is not understood: {0}")]
    Garbled(String),
    /// The engine speaks only an API that is older than 1.24.
    #[error("the engine's API {0} is too old (1.24 or newer is needed)")]
    TooOld(String),
    /// Anything else.
    #[error("{0}")]
    Io(String),
}

impl DockerError {
    /// Whether the engine knows no such container.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status: 404, .. })
    }
}

impl From<io::Error> for DockerError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::WouldBlock => Self::QueueFull,
            io::ErrorKind::FileTooLarge => Self::TooLong,
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<hyper::Error> for DockerError {
    fn from(error: hyper::Error) -> Self {
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            if let Some(cause) = inner.downcast_ref::<io::Error>()
                && cause.kind() == io::ErrorKind::FileTooLarge
            {
                return Self::TooLong;
            }
            source = inner.source();
        }
        if error.is_parse() {
            Self::Garbled(error.to_string())
        } else {
            Self::Io(error.to_string())
        }
    }
}

impl From<BollardError> for DockerError {
    fn from(error: BollardError) -> Self {
        match error {
            BollardError::IOError { err } => err.into(),
            BollardError::HyperResponseError { err } => err.into(),
            BollardError::DockerResponseServerError { status_code, message } => {
                Self::Status { status: status_code, message: head(&message) }
            }
            BollardError::JsonDataError { message, .. } => Self::Garbled(message),
            BollardError::JsonSerdeError { err } => Self::Garbled(err.to_string()),
            other => Self::Io(other.to_string()),
        }
    }
}

pub(super) fn head(text: &str) -> String {
    text.chars().take(300).collect::<String>().trim().to_owned()
}
