//! Settings of the host and its kernel that decide whether a connect may succeed.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{GatewayId, NetNs, Text, Wall};

/// What the kernel is set to. `None` where it does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSettings {
    /// When the kernel started, or the init of the container that we are in.
    #[serde(default)]
    pub booted: Option<Wall>,
    /// Whether SELinux enforces its policy; `None` without SELinux.
    #[serde(default)]
    pub selinux_enforces: Option<bool>,
    /// Whether the kernel believes that its clock is in step with a time server (adjtimex(2)).
    #[serde(default)]
    pub clock_in_step: Option<bool>,
    /// Ports below this need `CAP_NET_BIND_SERVICE` (`net.ipv4.ip_unprivileged_port_start`).
    #[serde(default)]
    pub unprivileged_ports: Option<u16>,
    /// How often a first packet is sent again (`net.ipv4.tcp_syn_retries`).
    #[serde(default)]
    pub syn_retries: Option<u8>,
    /// Entries in the table of tracked connections, and how many it takes.
    #[serde(default)]
    pub tracked: Option<(u64, u64)>,
    /// What confines the workers of each gateway: an AppArmor profile with its mode, or an SELinux
    /// context. Gateways that nothing confines are not among them.
    #[serde(default)]
    pub confined: Vec<(GatewayId, Text)>,
}

/// Where the kernel would send a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteOutcome {
    /// Somewhere.
    Found,
    /// No route (`ENETUNREACH`).
    None,
    /// A route of type `unreachable` (`EHOSTUNREACH`).
    Unreachable,
    /// A route of type `prohibit` (`EACCES`).
    Prohibited,
    /// A route of type `blackhole` (`EINVAL`).
    Blackhole,
}

impl RouteOutcome {
    /// In the words of `ip route`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::None => "none",
            Self::Unreachable => "unreachable",
            Self::Prohibited => "prohibit",
            Self::Blackhole => "blackhole",
        }
    }
}

/// A connection under way whose bytes the other side does not acknowledge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stalled {
    /// The other side.
    pub to: SocketAddr,
    /// Bytes that were not acknowledged (the send queue).
    pub bytes: u32,
    /// How often the oldest of them was sent again.
    pub retransmits: u32,
}

/// The ways out of one network namespace to what stands behind its gateways, at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ways {
    /// Which namespace.
    pub netns: NetNs,
    /// Where the kernel would send packets to addresses behind the gateways (`ip route get`).
    pub routes: Vec<(IpAddr, RouteOutcome)>,
    /// Connections to them that stand still.
    #[serde(default)]
    pub stalled: Vec<Stalled>,
}
