//! systemd over D-Bus (org.freedesktop.systemd1(5)): read-only calls, each with a deadline, no
//! cached properties (a cached `MainPID` is wrong right after a restart).

use std::{collections::HashMap, io, num::NonZeroUsize, sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::{task::JoinHandle, time::timeout};
use zbus::{
    Connection, MatchRule, MessageStream, OwnedObjectPath, Variant, connection, message::Type,
    proxy::CacheProperties,
};

pub use super::systemd_changes::{Changes, Pending};
use crate::observation::UnitName;

/// Where the system bus listens. The environment is not asked: it may belong to somebody else.
pub const SYSTEM_BUS: &str = "unix:path=/run/dbus/system_bus_socket";

/// Longest wait for connecting, and for any one answer. A host in an incident is loaded: with a
/// load of 13 on two processors, 800 ms were too short in one look of seven.
pub(super) const DEADLINE: Duration = Duration::from_millis(1_500);

/// Longest answer about one unit that is read, in bytes.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// Signals that may wait before they are taken off the connection.
pub(super) const SIGNAL_QUEUE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

pub(super) const DESTINATION: &str = "org.freedesktop.systemd1";
pub(super) const ROOT: &str = "/org/freedesktop/systemd1";

/// Why systemd could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SystemdError {
    /// There is no bus, or no systemd on it.
    #[error("no systemd on the system bus ({0})")]
    Absent(String),
    /// The bus or systemd refuses us.
    #[error("permission denied ({0})")]
    Denied(String),
    /// No answer in time.
    #[error("no answer from the system bus within {} ms", DEADLINE.as_millis())]
    Hung,
    /// The unit is not loaded, or has no file.
    #[error("no such unit")]
    NoSuchUnit,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<zbus::Error> for SystemdError {
    fn from(error: zbus::Error) -> Self {
        let text = error.to_string();
        match &error {
            zbus::Error::InputOutput(inner) | zbus::Error::Connection(inner, _) => {
                match inner.kind() {
                    io::ErrorKind::TimedOut => Self::Hung,
                    io::ErrorKind::PermissionDenied => Self::Denied(inner.to_string()),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                        Self::Absent(inner.to_string())
                    }
                    _ => Self::Other(text),
                }
            }
            zbus::Error::MethodError(name, _, _) if name.ends_with(".NoSuchUnit") => {
                Self::NoSuchUnit
            }
            zbus::Error::FDO(inner) => match inner.as_ref() {
                zbus::fdo::Error::AccessDenied(_) | zbus::fdo::Error::AuthFailed(_) => {
                    Self::Denied(text)
                }
                // A bus without systemd tries to start it by its activation file, and fails.
                zbus::fdo::Error::ServiceUnknown(_)
                | zbus::fdo::Error::NameHasNoOwner(_)
                | zbus::fdo::Error::SpawnChildExited(_)
                | zbus::fdo::Error::SpawnFailed(_)
                | zbus::fdo::Error::SpawnServiceNotFound(_) => Self::Absent(text),
                zbus::fdo::Error::NoReply(_) | zbus::fdo::Error::Timeout(_) => Self::Hung,
                _ => Self::Other(text),
            },
            _ => Self::Other(text),
        }
    }
}

type UnitRow =
    (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Manager {
    fn subscribe(&self) -> zbus::Result<()>;
    fn list_units_by_patterns(
        &self,
        states: &[&str],
        patterns: &[&str],
    ) -> zbus::Result<Vec<UnitRow>>;
    fn get_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
}

/// A unit that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedUnit {
    /// Primary name.
    pub name: UnitName,
    /// `LoadState`.
    pub load: String,
    /// `ActiveState`.
    pub active: String,
}

/// A property value, free of any D-Bus library.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string or an object path.
    Text(String),
    /// Any integer.
    Number(i128),
    /// A boolean.
    Flag(bool),
    /// An array or a structure.
    List(Vec<Value>),
    /// A kind that no caller needs.
    Other,
}

/// The properties of one unit, all interfaces together.
pub type Properties = HashMap<String, Value>;

/// One connection to systemd. Dropping it ends the signals too.
#[derive(Debug)]
pub struct Systemd {
    connection: Connection,
    manager: ManagerProxy<'static>,
    changes: Arc<Changes>,
    listener: Option<JoinHandle<()>>,
}

impl Systemd {
    /// Connects to a bus, [`SYSTEM_BUS`] for the system's own.
    ///
    /// # Errors
    /// [`SystemdError`]; [`SystemdError::Hung`] when the bus does not greet in time.
    pub async fn connect(address: &str) -> Result<Self, SystemdError> {
        Self::connect_with(address, DEADLINE).await
    }

    /// The same, with another longest wait for an answer.
    pub(super) async fn connect_with(
        address: &str,
        patience: Duration,
    ) -> Result<Self, SystemdError> {
        let build = connection::Builder::address(address).method_timeout(patience).build();
        let connection = timeout(DEADLINE, build).await.map_err(|_| SystemdError::Hung)??;
        let manager = ManagerProxy::builder(&connection)
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        Ok(Self { connection, manager, changes: Arc::default(), listener: None })
    }

    /// Starts to collect changes of units, read with [`Systemd::changes`].
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn subscribe(&mut self) -> Result<(), SystemdError> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(DESTINATION)
            .path_namespace(ROOT)
            .build()?;
        let stream = MessageStream::for_match_rule(rule, &self.connection, Some(SIGNAL_QUEUE));
        let mut signals = timeout(DEADLINE, stream).await.map_err(|_| SystemdError::Hung)??;
        self.manager.subscribe().await?;
        let changes = Arc::clone(&self.changes);
        // The queue of signals is drained at once and for itself: a full one would hold up the
        // answers to calls, which arrive on the same connection.
        self.listener = Some(tokio::spawn(async move {
            while let Some(Ok(message)) = signals.next().await {
                changes.note(&message);
            }
            changes.close();
        }));
        Ok(())
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What has changed since it was last asked.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Loaded services and sockets.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn loaded(&self) -> Result<Vec<LoadedUnit>, SystemdError> {
        let rows = self.manager.list_units_by_patterns(&[], &["*.service", "*.socket"]).await?;
        let unit = |row: UnitRow| {
            let name = UnitName::new(row.0).ok()?;
            Some(LoadedUnit { name, load: row.2, active: row.3 })
        };
        Ok(rows.into_iter().filter_map(unit).collect())
    }

    /// Loaded timers.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn timers(&self) -> Result<Vec<UnitName>, SystemdError> {
        let rows = self.manager.list_units_by_patterns(&[], &["*.timer"]).await?;
        Ok(rows.into_iter().filter_map(|row| UnitName::new(row.0).ok()).collect())
    }

    /// Whether a unit is loaded; asking does not load it.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn is_loaded(&self, name: &UnitName) -> Result<bool, SystemdError> {
        match self.manager.get_unit(name.as_str()).await.map_err(SystemdError::from) {
            Ok(_) => Ok(true),
            Err(SystemdError::NoSuchUnit) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All properties of a unit that is not loaded: systemd reads its file and forgets it again.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn properties_of_file(&self, name: &UnitName) -> Result<Properties, SystemdError> {
        let path = self.manager.load_unit(name.as_str()).await?;
        self.all(path.as_str()).await
    }

    /// All properties of a loaded unit.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn properties(&self, name: &UnitName) -> Result<Properties, SystemdError> {
        self.all(&super::systemd_changes::object_path(name)).await
    }

    async fn all(&self, path: &str) -> Result<Properties, SystemdError> {
        // An empty interface name asks for all interfaces at once (sd-bus answers so).
        let reply = self
            .connection
            .call_method(
                Some(DESTINATION),
                path,
                Some("org.freedesktop.DBus.Properties"),
                "GetAll",
                &"",
            )
            .await?;
        let body = reply.body();
        if body.len() > ANSWER_LIMIT {
            return Err(SystemdError::Other(format!("answer longer than {ANSWER_LIMIT} bytes")));
        }
        let values: HashMap<&str, Variant<'_>> = body.deserialize()?;
        Ok(values.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value))).collect())
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
    }
}

impl From<&Variant<'_>> for Value {
    fn from(value: &Variant<'_>) -> Self {
        match value {
            Variant::U8(n) => Self::Number(i128::from(*n)),
            Variant::I16(n) => Self::Number(i128::from(*n)),
            Variant::U16(n) => Self::Number(i128::from(*n)),
            Variant::I32(n) => Self::Number(i128::from(*n)),
            Variant::U32(n) => Self::Number(i128::from(*n)),
            Variant::I64(n) => Self::Number(i128::from(*n)),
            Variant::U64(n) => Self::Number(i128::from(*n)),
            Variant::Bool(flag) => Self::Flag(*flag),
            Variant::Str(text) => Self::Text(text.as_str().to_owned()),
            Variant::ObjectPath(path) => Self::Text(path.as_str().to_owned()),
            Variant::Variant(inner) => Self::from(inner.as_ref()),
            Variant::Array(items) => Self::List(items.inner().iter().map(Self::from).collect()),
            Variant::Structure(items) => {
                Self::List(items.fields().iter().map(Self::from).collect())
            }
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bus_that_never_answers_is_hung_and_a_missing_one_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bus");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let address = format!("unix:path={}", path.display());
        assert_eq!(Systemd::connect(&address).await.unwrap_err(), SystemdError::Hung);
        let address = format!("unix:path={}.not", path.display());
        let error = Systemd::connect(&address).await.unwrap_err();
        assert!(matches!(error, SystemdError::Absent(_)), "{error}");
    }
}
