//! From what Supervisor answers to programs.

use crate::{
    host::managers::Value,
    observation::{ProgramState, Wall},
};

/// Programs kept.
const MOST: usize = 1_000;

/// A program as Supervisor tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) state: ProgramState,
    pub(super) word: String,
    pub(super) pid: Option<u32>,
    pub(super) exit: Option<i32>,
    pub(super) error: String,
    pub(super) started: Option<Wall>,
    pub(super) stopped: Option<Wall>,
    pub(super) logs: Vec<String>,
}

/// The full name by which Supervisor is told what to do.
pub(super) fn full_name(group: &str, name: &str) -> String {
    // `all` alone means every program.
    if group == name && name != "all" { name.to_owned() } else { format!("{group}:{name}") }
}

/// Reads the answer.
pub(super) fn told(all: &[Value]) -> Vec<Told> {
    let one = |value: &Value| {
        let (group, name) = (value.text("group"), value.text("name"));
        if name.is_empty() || name.len() > 512 || group.len() > 512 {
            return None;
        }
        let (state, word) = state(value.int("state")?);
        let stamp = |key: &str| value.int(key).filter(|secs| *secs > 0).map(Wall::from_secs);
        let started = stamp("start");
        let logs = ["stdout_logfile", "stderr_logfile"].map(|key| value.text(key).to_owned());
        Some(Told {
            group: group.to_owned(),
            name: name.to_owned(),
            state,
            word: word.to_owned(),
            pid: value.int("pid").and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0),
            // It is 0 too for what never ran, and for what ended before its `startsecs`.
            exit: value
                .int("exitstatus")
                .and_then(|status| i32::try_from(status).ok())
                .filter(|status| *status != 0 || state == ProgramState::Exited),
            error: value.text("spawnerr").chars().take(300).collect(),
            started,
            stopped: stamp("stop"),
            logs: logs.into_iter().filter(|path| path.starts_with('/')).collect(),
        })
    };
    all.iter().filter_map(one).take(MOST).collect()
}

/// The numbers of supervisor.states.ProcessStates.
const fn state(number: i64) -> (ProgramState, &'static str) {
    match number {
        0 => (ProgramState::Stopped, "STOPPED"),
        10 => (ProgramState::Starting, "STARTING"),
        20 => (ProgramState::Running, "RUNNING"),
        30 => (ProgramState::Waiting, "BACKOFF"),
        40 => (ProgramState::Stopping, "STOPPING"),
        100 => (ProgramState::Exited, "EXITED"),
        200 => (ProgramState::GaveUp, "FATAL"),
        _ => (ProgramState::Unknown, "UNKNOWN"),
    }
}
