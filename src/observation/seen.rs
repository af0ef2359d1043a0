//! The closed list of things that can be seen.

use serde::{Deserialize, Serialize};

use super::{
    AccessEntry, BlindSpot, CgroupSample, Change, Container, ContainerEvent, ContainerId,
    CpuSample, DiskSample, FirewallTable, Gap, Gateway, GatewayConfig, GatewayId, GatewayRuntime,
    HostSettings, KernelKill, ListenerTable, LogLine, LogTarget, Manager, ManagerKind,
    MemorySample, Moment, PortUse, PressureSample, Probe, Process, ProcessLimits, Resolution,
    Segfault, SocketFile, SourceId, Text, Traffic, Triage, Unit, UnitName, Ways,
};

/// One thing seen by one source at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When it was seen (not when it happened: that is inside).
    pub at: Moment,
    /// Who saw it.
    pub source: SourceId,
    /// What.
    pub seen: Seen,
}

/// What was seen. State is published as a whole (it replaces what was known of its subject);
/// events are published once each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// A gateway's state.
    Gateway(Gateway),
    /// A gateway is neither running nor installed any more.
    GatewayGone(GatewayId),
    /// A gateway's configuration as it stands on disk.
    Config(Box<GatewayConfig>),
    /// What a gateway says of its own state.
    Runtime(Box<GatewayRuntime>),
    /// The listening sockets of one namespace.
    Listeners(ListenerTable),
    /// How the local ports of one namespace are used.
    Ports(PortUse),
    /// All processes that matter; replaces the previous list.
    Processes(Vec<Process>),
    /// Descriptor use of one process.
    Limits(ProcessLimits),
    /// A socket path.
    SocketFile(SocketFile),
    /// A unit's state.
    Unit(Box<Unit>),
    /// A unit was unloaded.
    UnitGone(UnitName),
    /// A container's state.
    Container(Box<Container>),
    /// A container was removed.
    ContainerGone(ContainerId),
    /// An event of Docker's stream.
    ContainerEvent(ContainerEvent),
    /// A process manager with its programs.
    Manager(Box<Manager>),
    /// A process manager is neither running nor set up any more: which, and where it lived.
    ManagerGone(ManagerKind, Text),
    /// A log line.
    Log(LogLine),
    /// A log file that no gateway's configuration names (php-fpm's own, for example); it is
    /// followed from now on.
    LogFound(LogTarget),
    /// A failed request.
    Access(AccessEntry),
    /// Requests in one second.
    Traffic(Traffic),
    /// What the logs that are already there say.
    Triage(Box<Triage>),
    /// A memory kill.
    Kill(KernelKill),
    /// A crash logged by the kernel.
    Segfault(Segfault),
    /// A control group.
    Cgroup(CgroupSample),
    /// Memory.
    Memory(MemorySample),
    /// CPU.
    Cpu(CpuSample),
    /// Pressure.
    Pressure(PressureSample),
    /// A file system.
    Disk(DiskSample),
    /// Rules that hit upstreams.
    Firewall(FirewallTable),
    /// A connect.
    Probe(Probe),
    /// A lookup.
    Resolution(Resolution),
    /// What changed on the host lately; replaces what was known.
    Changes(Vec<Change>),
    /// What the kernel is set to.
    Settings(HostSettings),
    /// The ways out of one namespace.
    Ways(Ways),
    /// Something is out of sight.
    Blind(BlindSpot),
    /// Everything that this source reported as out of sight is visible again.
    Sighted,
    /// Data was lost.
    Gap(Gap),
    /// The source has looked at everything that the given attention asked for. `session` counts
    /// attentions; a report waits until every source has swept the newest.
    Swept {
        /// Generation of the attention.
        generation: u64,
    },
}
