//! The closed list of looks that a playbook may name.

/// One measured look. What it means is in [`super::look`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckId {
    /// What stands behind the upstream runs.
    BackendRuns,
    /// It stays up: no restarts by themselves.
    BackendStays,
    /// The gateway has workers.
    GatewayRuns,
    /// The configuration names the address that is served.
    AddressMatches,
    /// The address takes connections from where the gateway stands.
    Reachable,
    /// The gateway's worker may use the socket.
    SocketAccess,
    /// What the gateway logs about its upstreams.
    GatewayLog,
    /// The last words of what stands behind.
    BackendLog,
    /// Memory of the host, and kills.
    Memory,
    /// Memory limits of units and containers.
    MemoryLimit,
    /// Disks and inodes.
    Disk,
    /// Open files against their limit.
    Descriptors,
    /// Connections that wait to be accepted.
    Queue,
    /// Timeouts towards the upstream.
    Timeouts,
    /// Room for response headers.
    Buffers,
    /// TLS towards the upstream.
    Tls,
    /// Names of upstreams.
    Names,
    /// Packet filters.
    Firewall,
    /// The configuration on disk can be read.
    ConfigValid,
    /// The running gateway has loaded what is on disk.
    ConfigLoaded,
    /// Containers: state, health, ports.
    Containers,
    /// Requests succeed.
    Requests,
    /// Who made the error.
    WhoseError,
    /// The cause is no longer seen.
    CauseGone,
    /// Prevention: what restarts after a failure.
    RestartPolicy,
    /// Prevention: what starts at boot.
    Boot,
    /// Prevention: limits are set, and high enough.
    Limits,
    /// Prevention: containers are asked whether they are well.
    HealthChecks,
    /// Prevention: more than one address, and names that are looked up again.
    Spare,
}

impl CheckId {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::BackendRuns,
        Self::BackendStays,
        Self::GatewayRuns,
        Self::AddressMatches,
        Self::Reachable,
        Self::SocketAccess,
        Self::GatewayLog,
        Self::BackendLog,
        Self::Memory,
        Self::MemoryLimit,
        Self::Disk,
        Self::Descriptors,
        Self::Queue,
        Self::Timeouts,
        Self::Buffers,
        Self::Tls,
        Self::Names,
        Self::Firewall,
        Self::ConfigValid,
        Self::ConfigLoaded,
        Self::Containers,
        Self::Requests,
        Self::WhoseError,
        Self::CauseGone,
        Self::RestartPolicy,
        Self::Boot,
        Self::Limits,
        Self::HealthChecks,
        Self::Spare,
    ];

    /// Its name in playbooks.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BackendRuns => "backend-runs",
            Self::BackendStays => "backend-stays",
            Self::GatewayRuns => "gateway-runs",
            Self::AddressMatches => "address-matches",
            Self::Reachable => "reachable",
            Self::SocketAccess => "socket-access",
            Self::GatewayLog => "gateway-log",
            Self::BackendLog => "backend-log",
            Self::Memory => "memory",
            Self::MemoryLimit => "memory-limit",
            Self::Disk => "disk",
            Self::Descriptors => "descriptors",
            Self::Queue => "queue",
            Self::Timeouts => "timeouts",
            Self::Buffers => "buffers",
            Self::Tls => "tls",
            Self::Names => "names",
            Self::Firewall => "firewall",
            Self::ConfigValid => "config-valid",
            Self::ConfigLoaded => "config-loaded",
            Self::Containers => "containers",
            Self::Requests => "requests",
            Self::WhoseError => "whose-error",
            Self::CauseGone => "cause-gone",
            Self::RestartPolicy => "restart-policy",
            Self::Boot => "boot",
            Self::Limits => "limits",
            Self::HealthChecks => "health-checks",
            Self::Spare => "spare",
        }
    }

    /// The look with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.as_str() == name)
    }
}
