//! The requests.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bollard::{
    BollardRequest, Docker,
    container::LogOutput,
    errors::Error as BollardError,
    models::EventMessage,
    query_parameters::{EventsOptions, LogsOptions},
};
use futures_util::{Stream, StreamExt};
use hyper::Request;
use serde_json::Value;

use super::{
    BODY_LIMIT, DockerError,
    connection::{Budget, collect, send},
    error::head,
};
use crate::host::files::{FileError, Root};

/// Most bytes between two items of a stream.
const ITEM_LIMIT: usize = 1 << 20;
/// Oldest API that has the fields read here (Docker 1.12, 2016).
const OLDEST_API: (u32, u32) = (1, 24);
/// Where engines listen, first choice first.
pub const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/podman/podman.sock"];

/// Users whose engines are looked for.
const MOST_USERS: usize = 256;
/// Where a user's Podman listens, below the user's runtime folder.
const USER_SOCKET: &str = "podman/podman.sock";

/// The first of `candidates` at which something stands.
pub fn find_socket(candidates: &[PathBuf]) -> Option<PathBuf> {
    let present = |path: &&PathBuf| {
        !matches!(Root::default().stat(path.as_path(), true), Err(FileError::Missing))
    };
    candidates.iter().find(present).cloned()
}

/// Every engine of this host whose socket is there, with what tells that two paths are the same one:
/// Docker's, Podman's, and those of users.
pub fn engines() -> Vec<(PathBuf, (u64, u64))> {
    let root = Root::default();
    let users = root.list("/run/user", MOST_USERS).map(|(names, _)| names).unwrap_or_default();
    let of_users = users.iter().map(|user| Path::new("/run/user").join(user).join(USER_SOCKET));
    let mut all: Vec<(PathBuf, (u64, u64))> = Vec::new();
    for path in SOCKETS.into_iter().map(PathBuf::from).chain(of_users) {
        let Ok(stat) = root.stat(&path, true) else { continue };
        let identity = (stat.st_dev, stat.st_ino);
        if !all.iter().any(|(_, known)| *known == identity) {
            all.push((path, identity));
        }
    }
    all
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

    pub(super) fn socket(&self) -> &Path {
        &self.socket
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
