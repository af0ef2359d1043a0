//! Process managers besides systemd and the container engines, and the programs that they keep.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Claim, Text, UnitName, Wall};

/// Which manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManagerKind {
    /// PM2, one daemon for each user (or `PM2_HOME`).
    Pm2,
    /// Supervisor.
    Supervisor,
    /// runit.
    Runit,
    /// OpenRC.
    Openrc,
}

impl ManagerKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Pm2, Self::Supervisor, Self::Runit, Self::Openrc];

    /// Its name in ids and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pm2 => "pm2",
            Self::Supervisor => "supervisor",
            Self::Runit => "runit",
            Self::Openrc => "openrc",
        }
    }

    /// Its name as its makers write it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Pm2 => "PM2",
            Self::Supervisor => "Supervisor",
            Self::Runit => "runit",
            Self::Openrc => "OpenRC",
        }
    }

    /// Whether a program of it can be started and restarted from here. Of the others the command is
    /// shown.
    pub const fn takes_orders(self) -> bool {
        matches!(self, Self::Pm2 | Self::Supervisor)
    }
}

impl fmt::Display for ManagerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

/// A managed program: its manager, where that one lives, and the name under which it is told what to
/// do. All processes of one name under one PM2 are one program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProgramId {
    /// Which manager.
    pub manager: ManagerKind,
    /// Where it lives: PM2's home, Supervisor's socket, the folder of the services.
    pub home: Text,
    /// Its name; with Supervisor `group:name` where the two differ.
    pub name: Text,
}

impl fmt::Display for ProgramId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.manager)
    }
}

/// The state of a managed program, in words that all managers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgramState {
    /// It runs, as far as its manager knows.
    Running,
    /// It was started a moment ago.
    Starting,
    /// It ended, and its manager waits before it starts it again.
    Waiting,
    /// It was told to end.
    Stopping,
    /// It was stopped, or never started.
    Stopped,
    /// It ended by itself, and its manager does not start it again.
    Exited,
    /// Its manager gave up starting it.
    GaveUp,
    /// Its manager's saved list or configuration has it, and the manager does not.
    Absent,
    /// Its manager said something new.
    Unknown,
}

impl ProgramState {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Waiting => "restarting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Exited => "exited",
            Self::GaveUp => "gave up",
            Self::Absent => "not loaded",
            Self::Unknown => "unknown",
        }
    }
}

/// One program under a manager. Its environment is never kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedProgram {
    /// Identity.
    pub id: ProgramId,
    /// State; of several processes the best.
    pub state: ProgramState,
    /// The manager's own word for it (`errored`, `FATAL`).
    pub said: Text,
    /// Numbers by which PM2 knows its processes (`pm_id`).
    pub numbers: Vec<u32>,
    /// Processes that should run.
    pub wanted: u32,
    /// Processes that run.
    pub up: u32,
    /// Main processes.
    pub pids: Vec<u32>,
    /// Main processes and what descends from them.
    pub tree: Vec<u32>,
    /// Restarts that the manager counted; `None` where it does not count.
    pub restarts: Option<u64>,
    /// Status with which it last ended by itself, `None` when it never did.
    pub exit: Option<i32>,
    /// Why it could not be started, in the manager's words.
    pub error: Text,
    /// When it was last started.
    pub started: Option<Wall>,
    /// When it last ended.
    pub stopped: Option<Wall>,
    /// Whether the manager starts it again when it ends; `None` when that depends or is not known.
    pub autorestart: Option<bool>,
    /// Memory in bytes above which the manager restarts it.
    pub memory_limit: Option<u64>,
    /// Command line, redacted.
    pub command: Text,
    /// Working directory.
    pub folder: Text,
    /// Whether its sockets are held by the manager (PM2's cluster mode).
    pub shares_sockets: bool,
    /// Log files that hold its output.
    pub logs: Vec<Text>,
    /// When its logs were last written, while it does not run.
    pub last_words: Option<Wall>,
    /// Addresses that it says it serves.
    pub claims: Vec<Claim>,
}

impl ManagedProgram {
    /// Whether it runs.
    pub const fn is_up(&self) -> bool {
        matches!(self.state, ProgramState::Running)
    }

    /// When it went down, `None` while it is up or when that is not known.
    pub fn down_since(&self) -> Option<Wall> {
        self.stopped.filter(|_| !self.is_up())
    }
}

/// A manager with its programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    /// Which.
    pub kind: ManagerKind,
    /// Where it lives, as in [`ProgramId::home`].
    pub home: Text,
    /// Whether it runs.
    pub running: bool,
    /// Its pid.
    pub pid: Option<u32>,
    /// User that it runs as, or would.
    pub uid: Option<u32>,
    /// Name of that user.
    pub user: Text,
    /// Version, when it told it.
    pub version: Text,
    /// Unit that starts it, as its control group or custom says. It may not exist.
    pub unit: Option<UnitName>,
    /// When it was started.
    pub started: Option<Wall>,
    /// When a manager that does not run last gave a sign of life.
    pub last_seen: Option<Wall>,
    /// Its own log.
    pub log: Text,
    /// Where its socket or its state is.
    pub socket: Text,
    /// Its configuration, or the list that it saved.
    pub config: Text,
    /// Its programs, sorted by identity.
    pub programs: Vec<ManagedProgram>,
}
