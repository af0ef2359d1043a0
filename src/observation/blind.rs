//! What could not be seen, and what was lost: silence is not health.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Text;

/// One collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceId {
    /// Running gateways and their configuration.
    Gateways,
    /// Listening sockets, their queues and owners.
    Listeners,
    /// Processes behind gateways and listeners, with their limits.
    Processes,
    /// Unix socket files as the gateway's worker sees them.
    SocketFiles,
    /// systemd units over D-Bus.
    Units,
    /// The journal.
    Journal,
    /// Containers.
    Docker,
    /// The kernel log.
    Kernel,
    /// Control groups.
    Cgroups,
    /// Memory, CPU, pressure.
    Pressure,
    /// Disks and inodes.
    Disks,
    /// Packet filter rules.
    Firewall,
    /// Gateway and application log files.
    Logs,
    /// Connects made by this program.
    Probes,
    /// Name lookups.
    Names,
    /// Process managers besides systemd and Docker: PM2, Supervisor, runit, OpenRC.
    Managers,
    /// What gateways say of their own state over their control sockets.
    Runtime,
    /// What the logs that are already there say.
    Triage,
    /// What changed on the host before the incident.
    Changes,
    /// Kernel settings, routes and mandatory access control.
    Settings,
}

impl SourceId {
    /// Every source, in the order of the story.
    pub const ALL: [Self; 20] = [
        Self::Gateways,
        Self::Listeners,
        Self::Processes,
        Self::SocketFiles,
        Self::Units,
        Self::Journal,
        Self::Docker,
        Self::Kernel,
        Self::Cgroups,
        Self::Pressure,
        Self::Disks,
        Self::Firewall,
        Self::Logs,
        Self::Triage,
        Self::Probes,
        Self::Names,
        Self::Managers,
        Self::Changes,
        Self::Settings,
        Self::Runtime,
    ];

    /// Its name in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateways => "gateways",
            Self::Listeners => "listeners",
            Self::Processes => "processes",
            Self::SocketFiles => "socket-files",
            Self::Units => "systemd",
            Self::Journal => "journal",
            Self::Docker => "docker",
            Self::Kernel => "kernel-log",
            Self::Cgroups => "cgroups",
            Self::Pressure => "pressure",
            Self::Disks => "disks",
            Self::Firewall => "firewall",
            Self::Logs => "logs",
            Self::Probes => "probes",
            Self::Names => "names",
            Self::Managers => "managers",
            Self::Runtime => "gateway-runtime",
            Self::Triage => "triage",
            Self::Changes => "changes",
            Self::Settings => "settings",
        }
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a log that goes to its writer's own output is out of sight as a file. A container engine
/// has it all the same.
pub const TO_STREAM: &str = "goes to the standard output of the gateway, not to a file";

/// Something that a source cannot see, what that hides, and the least privilege that opens it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlindSpot {
    /// Who is blind.
    pub source: SourceId,
    /// What exactly is out of sight (a path, an address, "all"); with `source` it is the identity.
    pub what: Text,
    /// Why, in the system's own words.
    pub why: Text,
    /// What cannot be known because of it.
    pub hides: Text,
    /// How to grant the least privilege that opens it; empty when nothing would.
    pub grant: Text,
}

/// Data that was lost or skipped, counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Who lost it.
    pub source: SourceId,
    /// Which log or stream.
    pub what: Text,
    /// Lines lost, zero when only the bytes are known.
    pub lines: u64,
    /// Bytes lost, zero when only the lines are known.
    pub bytes: u64,
    /// Why.
    pub why: Text,
}
