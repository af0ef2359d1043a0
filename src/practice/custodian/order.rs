//! What a program's keeper is told, and how it says that it did not.

use tokio::sync::oneshot;

/// Why an order was not followed, with Supervisor's number for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault(pub(super) i64, pub(super) String);

impl Fault {
    pub(super) fn bad_name(name: &str) -> Self {
        Self(10, format!("BAD_NAME: {name}"))
    }
    pub(super) fn abnormal(name: &str) -> Self {
        Self(40, format!("ABNORMAL_TERMINATION: {name}"))
    }
    pub(super) fn spawn(name: &str) -> Self {
        Self(50, format!("SPAWN_ERROR: {name}"))
    }
    pub(super) fn already(name: &str) -> Self {
        Self(60, format!("ALREADY_STARTED: {name}"))
    }
    pub(super) fn not_running(name: &str) -> Self {
        Self(70, format!("NOT_RUNNING: {name}"))
    }
}

/// Says how an order ended to whoever waits for it.
pub(super) type Reply = oneshot::Sender<Result<(), Fault>>;

/// An order to the keeper of one program.
#[derive(Debug)]
pub(super) enum Order {
    Start(Reply),
    Stop(Reply),
    Signal(u8),
}
