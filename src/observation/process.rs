//! Processes, as far as they stand behind a gateway or a listener.

use serde::{Deserialize, Serialize};

use super::{ContainerId, NetNs, ProgramId, Text, UnitName, Wall};

/// Who is responsible for a process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// A systemd unit.
    Unit(UnitName),
    /// A container.
    Container(ContainerId),
    /// A program of another manager than systemd; no control group tells of it.
    Program(ProgramId),
}

impl Owner {
    /// Reads the owner from a cgroup path; the innermost wins.
    pub fn from_cgroup(path: &str) -> Option<Self> {
        let unit = UnitName::from_cgroup(path);
        let container = ContainerId::from_cgroup(path);
        match (unit, container) {
            (Some(unit), Some(container)) => {
                let at = |needle: &str| path.rfind(needle).unwrap_or(0);
                if unit.is_service() && at(unit.as_str()) > at(container.as_str()) {
                    Some(Self::Unit(unit))
                } else {
                    Some(Self::Container(container))
                }
            }
            (Some(unit), None) => Some(Self::Unit(unit)),
            (None, Some(container)) => Some(Self::Container(container)),
            (None, None) => None,
        }
    }
}

/// State letter of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// R, S, I: running or sleeping.
    Normal,
    /// D: waits for a device and cannot be interrupted.
    Uninterruptible,
    /// T or t: stopped.
    Stopped,
    /// Z or X: dead.
    Dead,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Pid in our namespace.
    pub pid: u32,
    /// Parent.
    pub parent: u32,
    /// Short name (`comm`).
    pub name: Text,
    /// Program file, when it may be read.
    pub exe: Option<Text>,
    /// Command line, redacted, at most 4 KiB.
    pub command: Text,
    /// Effective uid.
    pub uid: u32,
    /// State.
    pub state: RunState,
    /// Start time in clock ticks since boot: with the pid it is the identity.
    pub start_ticks: u64,
    /// Start time on the wall clock.
    pub started: Option<Wall>,
    /// Control group path.
    pub cgroup: Text,
    /// Who is responsible for it.
    pub owner: Option<Owner>,
    /// Network namespace.
    pub netns: Option<NetNs>,
    /// Resident memory in bytes.
    pub rss: u64,
}

/// Descriptor use of one process against its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessLimits {
    /// Whose.
    pub pid: u32,
    /// Open descriptors, `None` when not readable.
    pub open_files: Option<u64>,
    /// Soft limit.
    pub max_open_files: u64,
}
