//! A container engine's API on its unix socket, read with bounds.
//!
//! Every request has a connection of its own with a byte budget, so that neither an endless body
//! nor an endless line can fill the memory; waiting is the caller's to bound with a deadline.
//! Answers are read as loose JSON: a field or word that is new in an engine hides one fact, never
//! a container. Log frames and events are decoded by bollard over the same connections.

use std::{
    future::poll_fn,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bollard::{
    BollardRequest, Docker,
    container::LogOutput,
    errors::Error as BollardError,
    models::EventMessage,
    query_parameters::{EventsOptions, LogsOptions},
};
use futures_util::{Stream, StreamExt};
use hyper::{
    Request, Response,
    body::{Body, Incoming},
    client::conn::http1,
    header::HOST,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
};

use super::files::{FileError, Root};

/// Most bytes read of one answer.
pub const BODY_LIMIT: usize = 16 << 20;
/// Most bytes between two items of a stream.
const ITEM_LIMIT: usize = 1 << 20;
/// Oldest API that has the fields read here (Docker 1.12, 2016).
const OLDEST_API: (u32, u32) = (1, 24);
/// Where engines listen, first choice first.
pub const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

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

fn head(text: &str) -> String {
    text.chars().take(300).collect::<String>().trim().to_owned()
}

/// The first of `candidates` at which something stands.
pub fn find_socket(candidates: &[PathBuf]) -> Option<PathBuf> {
    let present = |path: &&PathBuf| {
        !matches!(Root::default().stat(path.as_path(), true), Err(FileError::Missing))
    };
    candidates.iter().find(present).cloned()
}

/// An engine that answered once.
#[derive(Clone, Debug)]
pub struct Engine {
    socket: Arc<Path>,
    version: (usize, usize),
}

impl Engine {
    /// Asks the engine for its version and agrees on an API.
    ///
    /// # Errors
    /// [`DockerError`] says why it cannot be used. It waits as long as the engine does: give it a
    /// deadline.
    pub async fn connect(socket: &Path) -> Result<Self, DockerError> {
        let engine = Self { socket: socket.into(), version: (1, 24) };
        let version = engine.get("/version").await?;
        let Some(api) = version.get("ApiVersion").and_then(Value::as_str) else {
            return Err(DockerError::Garbled("it does not name its API version".to_owned()));
        };
        let parsed =
            api.split_once('.').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        let Some((major, minor)) = parsed else {
            return Err(DockerError::Garbled(format!("API version {:?}", head(api))));
        };
        if (major, minor) < OLDEST_API {
            return Err(DockerError::TooOld(head(api)));
        }
        let newest = bollard::API_DEFAULT_VERSION;
        let newest = (newest.major_version, newest.minor_version);
        let wide = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(Self { version: (wide(major), wide(minor)).min(newest), ..engine })
    }

    /// Asks for one JSON answer. `path` starts with a slash and may have a query; without a
    /// version in it the engine answers in its own newest form.
    ///
    /// # Errors
    /// [`DockerError`]; redirects and every other status but success are [`DockerError::Status`].
    pub async fn get(&self, path: &str) -> Result<Value, DockerError> {
        let request = Request::get(path)
            .body(bollard::body_full(Vec::new().into()))
            .map_err(|error| DockerError::Io(error.to_string()))?;
        let response = send(&self.socket, &Budget::new(BODY_LIMIT), request).await?;
        let status = response.status();
        let body = collect(response.into_body()).await?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| DockerError::Garbled(error.to_string()));
        }
        let said = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|value| Some(value.get("message")?.as_str()?.to_owned()))
            .unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
        Err(DockerError::Status { status: status.as_u16(), message: head(&said) })
    }

    /// Whether it still answers.
    ///
    /// # Errors
    /// [`DockerError`].
    pub async fn ping(&self) -> Result<(), DockerError> {
        let request = Request::get("/_ping")
            .body(bollard::body_full(Vec::new().into()))
            .map_err(|error| DockerError::Io(error.to_string()))?;
        let response = send(&self.socket, &Budget::new(ITEM_LIMIT), request).await?;
        collect(response.into_body()).await.map(drop)
    }

    /// The engine's events; the stream ends with the connection, or at `until`.
    ///
    /// # Errors
    /// [`DockerError`], also as items.
    pub fn events(
        &self,
        options: EventsOptions,
    ) -> Result<impl Stream<Item = Result<EventMessage, DockerError>> + Send + use<>, DockerError>
    {
        let (docker, budget) = self.streaming()?;
        let stream = docker.events(Some(options));
        Ok(stream.map(move |item| {
            budget.refill();
            item.map_err(Into::into)
        }))
    }

    /// The frames of a container's log; the stream ends with the container when following.
    ///
    /// # Errors
    /// [`DockerError`], also as items.
    pub fn logs(
        &self,
        id: &str,
        options: LogsOptions,
    ) -> Result<impl Stream<Item = Result<LogOutput, DockerError>> + Send + use<>, DockerError>
    {
        let (docker, budget) = self.streaming()?;
        let stream = docker.logs(id, Some(options));
        Ok(stream.map(move |item| {
            budget.refill();
            item.map_err(Into::into)
        }))
    }

    fn streaming(&self) -> Result<(Docker, Budget), DockerError> {
        let budget = Budget::new(ITEM_LIMIT);
        let (socket, spent) = (Arc::clone(&self.socket), budget.clone());
        let transport = move |request: BollardRequest| {
            let (socket, spent) = (Arc::clone(&socket), spent.clone());
            async move { send(&socket, &spent, request).await.map_err(to_bollard) }
        };
        let version =
            bollard::ClientVersion { major_version: self.version.0, minor_version: self.version.1 };
        let docker = Docker::connect_with_custom_transport(
            transport,
            Some("http://localhost"),
            HEADER_SECONDS,
            &version,
        )?;
        Ok((docker, budget))
    }
}

/// Longest wait for the head of a stream's answer, in seconds. An engine may send it only with the
/// first item of the stream, which can be long in coming.
const HEADER_SECONDS: u64 = 3600;

fn to_bollard(error: DockerError) -> BollardError {
    match error {
        DockerError::Status { status, message } => {
            BollardError::DockerResponseServerError { status_code: status, message }
        }
        other => BollardError::IOError { err: io::Error::other(other.to_string()) },
    }
}

async fn send<B>(
    socket: &Path,
    budget: &Budget,
    mut request: Request<B>,
) -> Result<Response<Incoming>, DockerError>
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let stat = Root::default().stat(socket, true).map_err(|error| match error {
        FileError::Missing => DockerError::Missing,
        FileError::Denied => DockerError::Denied,
        other => DockerError::Io(other.to_string()),
    })?;
    if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_socket() {
        return Err(DockerError::NotASocket);
    }
    let stream = Metered { stream: UnixStream::connect(socket).await?, budget: budget.clone() };
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(64)
        .max_buf_size(64 << 10)
        .handshake(TokioIo::new(stream))
        .await?;
    // The connection ends by itself when the request or its body is dropped.
    tokio::spawn(async move { drop(connection.await) });
    if let Some(path) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = path.into();
    }
    request.headers_mut().insert(HOST, hyper::header::HeaderValue::from_static("docker"));
    Ok(sender.send_request(request).await?)
}

async fn collect(mut body: Incoming) -> Result<Vec<u8>, DockerError> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            if bytes.len() + data.len() > BODY_LIMIT {
                return Err(DockerError::TooLong);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// How many bytes a connection may still deliver.
#[derive(Clone, Debug)]
struct Budget {
    left: Arc<AtomicUsize>,
    full: usize,
}

impl Budget {
    fn new(full: usize) -> Self {
        // Heads and chunk marks are counted too.
        let full = full + (64 << 10);
        Self { left: Arc::new(AtomicUsize::new(full)), full }
    }

    fn refill(&self) {
        self.left.store(self.full, Ordering::Relaxed);
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        let spent = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        spent.map(drop).map_err(|_| io::ErrorKind::FileTooLarge.into())
    }
}

/// A connection that fails when its budget is spent.
#[derive(Debug)]
struct Metered {
    stream: UnixStream,
    budget: Budget,
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        match read {
            Poll::Ready(Ok(())) => Poll::Ready(self.budget.spend(buf.filled().len() - before)),
            other => other,
        }
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
