//! The requests that change a container. Each goes by the full id: an engine takes a prefix, or a
//! name, for whichever container has it today.

use std::{path::Path, time::Duration};

use hyper::{Request, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    DockerError, Engine,
    connection::{Budget, collect, send},
    engine::engines,
    error::head,
};
use crate::observation::ContainerId;

/// Most bytes read of an answer to an order; it is empty, or one message.
const ANSWER_LIMIT: usize = 1 << 20;
/// Longest wait for an answer that needs no process to end.
const ANSWER: Duration = Duration::from_secs(15);
/// Seconds that a container gets to end before it is killed (Docker's own default).
pub const GRACE_SECONDS: u64 = 10;
/// Longest wait for an answer that includes a stop.
const STOP: Duration = Duration::from_secs(30);

/// Why a container was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// The engine could not be asked, or said no.
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// It did not answer in time, and may still do it.
    #[error("no answer from the engine within {} s", .0.as_secs())]
    Late(Duration),
}

impl ManageError {
    /// The engine's status, when it answered with one.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Docker(DockerError::Status { status, .. }) => Some(*status),
            _ => None,
        }
    }
}

/// What an order did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// What it says.
    Done,
    /// Nothing: it was so already (304).
    Already,
}

/// An engine that is told to do things.
#[derive(Debug)]
pub struct Keeper {
    engine: Engine,
}

impl Keeper {
    /// Asks the engine for its version and agrees on an API.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn connect(socket: &Path) -> Result<Self, ManageError> {
        Ok(Self { engine: within(ANSWER, Engine::connect(socket)).await? })
    }

    /// The engine that has a container: the one that is asked first, or another one of this host. Ids
    /// are never given twice.
    ///
    /// # Errors
    /// What the first engine says; status 404 when none has it.
    pub async fn of(first: &Path, id: &ContainerId) -> Result<Self, ManageError> {
        let path = format!("/containers/{}/json", id.as_str());
        let ask = async |socket: &Path| -> Result<Self, ManageError> {
            let keeper = Self::connect(socket).await?;
            within(ANSWER, keeper.engine.get(&path)).await?;
            Ok(keeper)
        };
        let error = match ask(first).await {
            Ok(keeper) => return Ok(keeper),
            Err(error) => error,
        };
        for (socket, _) in engines().into_iter().filter(|(socket, _)| socket != first) {
            if let Ok(keeper) = ask(&socket).await {
                return Ok(keeper);
            }
        }
        Err(error)
    }

    /// Everything that the engine says about a container, its environment included.
    ///
    /// # Errors
    /// [`ManageError`]; status 404 when there is none under this id.
    pub async fn inspect(&self, id: &ContainerId) -> Result<Value, ManageError> {
        within(ANSWER, self.engine.get(&format!("/containers/{}/json", id.as_str()))).await
    }

    /// The same engine for looking.
    pub const fn read(&self) -> &Engine {
        &self.engine
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn start(&self, id: &ContainerId) -> Result<Changed, ManageError> {
        self.post(id, "start", None, ANSWER).await
    }

    /// Stops and starts it; it gets [`GRACE_SECONDS`] to end.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn restart(&self, id: &ContainerId) -> Result<Changed, ManageError> {
        self.post(id, &format!("restart?t={GRACE_SECONDS}"), None, STOP).await
    }

    /// Stops it; it gets [`GRACE_SECONDS`] to end.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn stop(&self, id: &ContainerId) -> Result<Changed, ManageError> {
        self.post(id, &format!("stop?t={GRACE_SECONDS}"), None, STOP).await
    }

    /// Freezes it.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn pause(&self, id: &ContainerId) -> Result<Changed, ManageError> {
        self.post(id, "pause", None, ANSWER).await
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn unpause(&self, id: &ContainerId) -> Result<Changed, ManageError> {
        self.post(id, "unpause", None, ANSWER).await
    }

    /// Sets its memory limit in bytes, and that of memory and swap together, -1 for none.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn limit(
        &self,
        id: &ContainerId,
        memory: u64,
        swap: i64,
    ) -> Result<Changed, ManageError> {
        let body = json!({"Memory": memory, "MemorySwap": swap});
        self.post(id, "update", Some(body), ANSWER).await
    }

    async fn post(
        &self,
        id: &ContainerId,
        order: &str,
        body: Option<Value>,
        limit: Duration,
    ) -> Result<Changed, ManageError> {
        let path = format!("/containers/{}/{order}", id.as_str());
        within(limit, self.send(&path, body)).await
    }

    async fn send(&self, path: &str, body: Option<Value>) -> Result<Changed, DockerError> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .body(bollard::body_full(bytes.into()))
            .map_err(|error| DockerError::Io(error.to_string()))?;
        let response = send(self.engine.socket(), &Budget::new(ANSWER_LIMIT), request).await?;
        let status = response.status();
        let body = collect(response.into_body()).await?;
        match status.as_u16() {
            304 => Ok(Changed::Already),
            200..=299 => Ok(Changed::Done),
            status => {
                let said = serde_json::from_slice::<Value>(&body)
                    .ok()
                    .and_then(|value| Some(value.get("message")?.as_str()?.to_owned()))
                    .unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
                Err(DockerError::Status { status, message: head(&said) })
            }
        }
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, DockerError>>,
) -> Result<T, ManageError> {
    Ok(timeout(limit, work).await.map_err(|_| ManageError::Late(limit))??)
}
