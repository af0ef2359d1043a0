//! systemd's calls that change something (org.freedesktop.systemd1(5)). A job is over when systemd
//! says that it was removed, not when the call returns.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;
use zbus::{
    MatchRule, MessageStream, OwnedObjectPath, message::Type, names::ErrorName,
    proxy::CacheProperties,
};

use super::systemd::{DEADLINE, DESTINATION, ROOT, SIGNAL_QUEUE, Systemd, SystemdError};
use crate::observation::{Text, UnitName};

/// Longest wait for an answer to a call: a reload of the manager reads every unit file.
const CALL: Duration = Duration::from_secs(25);

/// Why systemd did not take an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManageError {
    /// It could not be asked.
    #[error(transparent)]
    Unreachable(#[from] SystemdError),
    /// We may not, and nobody is asked for a password over the screen.
    #[error("permission denied")]
    Denied,
    /// There is no such unit.
    #[error("no such unit")]
    NoSuchUnit,
    /// It said no; its own words, made safe.
    #[error("{0}")]
    Refused(String),
    /// It did not answer in time, and may still do it.
    #[error("no answer from systemd in time")]
    Late,
}

impl From<zbus::Error> for ManageError {
    fn from(error: zbus::Error) -> Self {
        match &error {
            zbus::Error::MethodError(name, words, _) => {
                named(name.as_str(), words.as_deref().unwrap_or_default())
                    .unwrap_or_else(|| Self::Unreachable(error.into()))
            }
            zbus::Error::FDO(inner) => {
                let name = zbus::DBusError::name(inner.as_ref());
                let words = zbus::DBusError::description(inner.as_ref()).unwrap_or_default();
                named(ErrorName::as_str(&name), words)
                    .unwrap_or_else(|| Self::Unreachable(error.into()))
            }
            zbus::Error::InputOutput(inner) if inner.kind() == std::io::ErrorKind::TimedOut => {
                Self::Late
            }
            _ => Self::Unreachable(error.into()),
        }
    }
}

/// What an error's name means (`bus-common-errors.h` of systemd, and the bus's own names).
fn named(name: &str, words: &str) -> Option<ManageError> {
    let short = name.rsplit('.').next().unwrap_or(name);
    match short {
        "AccessDenied" | "InteractiveAuthorizationRequired" | "AuthFailed" => {
            Some(ManageError::Denied)
        }
        "NoSuchUnit" => Some(ManageError::NoSuchUnit),
        "NoReply" | "Timeout" | "TimedOut" => Some(ManageError::Late),
        _ if name.starts_with("org.freedesktop.systemd1.") => {
            Some(ManageError::Refused(Text::new(words).to_string()))
        }
        "InvalidArgs" | "FileExists" | "FileNotFound" | "IOError" => {
            Some(ManageError::Refused(Text::new(words).to_string()))
        }
        _ => None,
    }
}

/// What a unit is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Start, unless it runs.
    Start,
    /// Stop and start.
    Restart,
    /// Read its configuration again.
    Reload,
    /// Stop.
    Stop,
}

/// How a job ended (`JobRemoved`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// It was done.
    Done,
    /// The unit did not do it.
    Failed,
    /// The unit's own time limit for it ran out.
    Timeout,
    /// Another job took its place, or somebody cancelled it.
    Canceled,
    /// A unit that this one needs failed.
    Dependency,
    /// It did not apply to the unit's state; nothing was done.
    Skipped,
    /// Our deadline ran out; the job has been cancelled.
    Late,
    /// A word that is newer than this program.
    Other(String),
}

impl JobEnd {
    fn read(word: &str) -> Self {
        match word {
            "done" => Self::Done,
            "failed" => Self::Failed,
            "timeout" => Self::Timeout,
            "canceled" => Self::Canceled,
            "dependency" => Self::Dependency,
            "skipped" => Self::Skipped,
            other => Self::Other(Text::new(other).to_string()),
        }
    }
}

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Orders {
    fn subscribe(&self) -> zbus::Result<()>;
    fn start_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn restart_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn reload_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn stop_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn cancel_job(&self, id: u32) -> zbus::Result<()>;
    fn reset_failed_unit(&self, name: &str) -> zbus::Result<()>;
    fn enable_unit_files(
        &self,
        files: &[&str],
        runtime: bool,
        force: bool,
    ) -> zbus::Result<(bool, Vec<(String, String, String)>)>;
    fn disable_unit_files(
        &self,
        files: &[&str],
        runtime: bool,
    ) -> zbus::Result<Vec<(String, String, String)>>;
    fn reload(&self) -> zbus::Result<()>;
}

/// What enabling a unit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enabled {
    /// Whether its file says by what it is wanted at all (`[Install]`).
    pub installable: bool,
    /// Links made.
    pub changes: usize,
}

/// A connection over which systemd is told to do things. No call asks for a password: the flag
/// that allows it (`ALLOW_INTERACTIVE_AUTHORIZATION`) is never set.
#[derive(Debug)]
pub struct Manager {
    orders: OrdersProxy<'static>,
    systemd: Systemd,
}

impl Manager {
    /// Connects to a bus.
    ///
    /// # Errors
    /// [`ManageError::Unreachable`].
    pub async fn connect(address: &str) -> Result<Self, ManageError> {
        let systemd = Systemd::connect_with(address, CALL).await?;
        let orders = OrdersProxy::builder(systemd.connection())
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        // Without this systemd keeps its signals to itself.
        timeout(DEADLINE, orders.subscribe()).await.map_err(|_| SystemdError::Hung)??;
        Ok(Self { orders, systemd })
    }

    /// The same connection for looking.
    pub const fn read(&self) -> &Systemd {
        &self.systemd
    }

    /// Has a unit do something and waits for the end of the job, at most `limit`; then the job is
    /// cancelled.
    ///
    /// # Errors
    /// [`ManageError`] when systemd did not take the order.
    pub async fn job(
        &self,
        verb: Verb,
        unit: &UnitName,
        limit: Duration,
    ) -> Result<JobEnd, ManageError> {
        // Listened for first: a quick job is over before the call returns.
        let mut removed = self.removals().await?;
        let name = unit.as_str();
        let call = async {
            match verb {
                Verb::Start => self.orders.start_unit(name, "replace").await,
                Verb::Restart => self.orders.restart_unit(name, "replace").await,
                Verb::Reload => self.orders.reload_unit(name, "replace").await,
                Verb::Stop => self.orders.stop_unit(name, "replace").await,
            }
        };
        let job = timeout(limit.min(CALL), call).await.map_err(|_| ManageError::Late)??;
        let ended = async {
            while let Some(Ok(message)) = removed.next().await {
                let body = message.body();
                let parts: Result<(u32, zbus::ObjectPath<'_>, &str, &str), _> = body.deserialize();
                match parts {
                    Ok((_, path, _, word)) if path.as_str() == job.as_str() => {
                        return Ok(JobEnd::read(word));
                    }
                    _ => {}
                }
            }
            Err(ManageError::Unreachable(SystemdError::Absent("the bus went away".to_owned())))
        };
        if let Ok(end) = timeout(limit, ended).await {
            return end;
        }
        if let Some(id) = job.as_str().rsplit('/').next().and_then(|id| id.parse().ok()) {
            let _ = timeout(DEADLINE, self.orders.cancel_job(id)).await;
        }
        Ok(JobEnd::Late)
    }

    async fn removals(&self) -> Result<MessageStream, ManageError> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(DESTINATION)
            .path(ROOT)
            .interface("org.freedesktop.systemd1.Manager")
            .member("JobRemoved")
            .build()?;
        let connection = self.systemd.connection();
        let stream = MessageStream::for_match_rule(rule, connection, Some(SIGNAL_QUEUE));
        Ok(timeout(DEADLINE, stream).await.map_err(|_| SystemdError::Hung)??)
    }

    /// Clears a unit's failed state and its start counter.
    ///
    /// # Errors
    /// [`ManageError`]; [`ManageError::NoSuchUnit`] when it is not loaded and so has none.
    pub async fn reset_failed(&self, unit: &UnitName) -> Result<(), ManageError> {
        Ok(self.orders.reset_failed_unit(unit.as_str()).await?)
    }

    /// Has a unit started at boot. systemd reads the links with its next [`Manager::reload`].
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn enable(&self, unit: &UnitName) -> Result<Enabled, ManageError> {
        let files = [unit.as_str()];
        let (installable, changes) = self.orders.enable_unit_files(&files, false, false).await?;
        Ok(Enabled { installable, changes: changes.len() })
    }

    /// Has a unit no longer started at boot.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn disable(&self, unit: &UnitName) -> Result<(), ManageError> {
        self.orders.disable_unit_files(&[unit.as_str()], false).await?;
        Ok(())
    }

    /// Has systemd read all unit files again (`daemon-reload`).
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn reload(&self) -> Result<(), ManageError> {
        Ok(self.orders.reload().await?)
    }
}

#[cfg(test)]
#[path = "systemd_manage_tests.rs"]
mod tests;
