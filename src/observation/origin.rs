//! Where a piece of evidence was read, so that a person can go and look.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ContainerId, Place, ProgramId, Text, UnitName};

/// Where something was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A line of a configuration file.
    Config(Place),
    /// A log file.
    File(Text),
    /// The journal of a unit.
    Journal(UnitName),
    /// systemd over D-Bus.
    Systemd(UnitName),
    /// A process manager about a program.
    Manager(ProgramId),
    /// The kernel log.
    KernelLog,
    /// Docker's API about a container.
    Docker(ContainerId),
    /// A container's own log.
    ContainerLog(ContainerId),
    /// The kernel's socket tables.
    Sockets,
    /// `/proc` of a process.
    Process(u32),
    /// A file-system object.
    Path(Text),
    /// A control group.
    Cgroup(Text),
    /// A probe made by this program.
    Probe,
    /// A name lookup made by this program.
    Resolver,
    /// The packet filter.
    Firewall,
    /// The routing table.
    Routes,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(place) => write!(f, "{place}"),
            Self::File(path) | Self::Path(path) => write!(f, "{path}"),
            Self::Journal(unit) => write!(f, "journal of {unit}"),
            Self::Systemd(unit) => write!(f, "systemd, {unit}"),
            Self::Manager(id) => write!(f, "{}, {}", id.manager, id.name),
            Self::KernelLog => f.write_str("kernel log"),
            Self::Docker(id) => write!(f, "docker, {id}"),
            Self::ContainerLog(id) => write!(f, "log of container {id}"),
            Self::Sockets => f.write_str("socket table"),
            Self::Process(pid) => write!(f, "/proc/{pid}"),
            Self::Cgroup(path) => write!(f, "cgroup {path}"),
            Self::Probe => f.write_str("probe"),
            Self::Resolver => f.write_str("name lookup"),
            Self::Firewall => f.write_str("packet filter"),
            Self::Routes => f.write_str("routing table"),
        }
    }
}
