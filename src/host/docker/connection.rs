//! One connection per request, with a byte budget.

use std::{
    future::poll_fn,
    io,
    path::Path,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    client::conn::http1,
    header::HOST,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
};

use super::{DockerError, dormant};
use crate::host::files::{FileError, Root};

/// Most bytes read of one answer.
pub const BODY_LIMIT: usize = 16 << 20;

/// Sends one request over a connection of its own.
pub(super) async fn send<B>(
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
    if dormant::would_start(socket, &stat) {
        return Err(DockerError::Dormant);
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

/// Reads a whole body of at most [`BODY_LIMIT`] bytes.
pub(super) async fn collect(mut body: Incoming) -> Result<Vec<u8>, DockerError> {
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
pub(super) struct Budget {
    left: Arc<AtomicUsize>,
    full: usize,
}

impl Budget {
    pub(super) fn new(full: usize) -> Self {
        // Heads and chunk marks are counted too.
        let full = full + (64 << 10);
        Self { left: Arc::new(AtomicUsize::new(full)), full }
    }

    /// Lets the next item be as long as the first.
    pub(super) fn refill(&self) {
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
