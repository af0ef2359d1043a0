//! How a world is doing, as it tells the console that stands on top of it.

use serde::{Deserialize, Serialize};

/// What clients and programs went through since the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// Milliseconds since everything runs.
    pub at_ms: u64,
    /// What clients asked for.
    pub routes: Vec<RoutePulse>,
    /// Programs of the supervisor, the gateway among them.
    pub programs: Vec<ProgramPulse>,
    /// Times that the gateway read its configuration again.
    pub reloads: u32,
}

/// How one route is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutePulse {
    /// Path.
    pub path: String,
    /// Whether the incident is over only when this is answered.
    pub must_answer: bool,
    /// Requests that were answered, below 500 and whole.
    pub answered: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Answered without a failure since.
    pub in_a_row: u32,
    /// The last status; 0 when there was none.
    pub last_status: u16,
}

/// How one program is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramPulse {
    /// Its name.
    pub name: String,
    /// Times that it was started.
    pub starts: u32,
    /// Starts and stops that somebody ordered at the supervisor's door.
    pub ordered: u32,
    /// The supervisor's word for its state.
    pub state: String,
}

impl Pulse {
    /// Whether every route that must be answered was, so many times in a row.
    pub fn is_well(&self, in_a_row: u32) -> bool {
        let mut needed = self.routes.iter().filter(|route| route.must_answer).peekable();
        needed.peek().is_some() && needed.all(|route| route.in_a_row >= in_a_row)
    }
}
