//! Sockets, probes, names and packet filters.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{Address, GatewayId, Text, TlsAnswer, TlsFacts};

/// A network namespace: the inode number of `/proc/PID/ns/net`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct NetNs(pub u64);

/// One listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Where it listens; a wildcard is `0.0.0.0` or `::`.
    pub address: Address,
    /// For `::`: whether it refuses IPv4 (`IPV6_V6ONLY`); `None` when it cannot be told.
    pub v6_only: Option<bool>,
    /// Socket inode.
    pub inode: u64,
    /// Connections that wait to be accepted now.
    pub queue: Option<u32>,
    /// The queue's limit (backlog); a queue above it is full.
    pub backlog: Option<u32>,
    /// Whether it is a stream socket; a datagram socket answers nobody.
    pub stream: bool,
    /// Pids that hold it, in our pid namespace; empty when that cannot be told.
    pub pids: Vec<u32>,
}

/// All listening sockets of one network namespace at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerTable {
    /// Which namespace.
    pub netns: NetNs,
    /// The sockets.
    pub listeners: Vec<Listener>,
    /// Whether the owners could be seen (needs root for other users' processes).
    pub owners_complete: bool,
    /// Whether unix sockets are in it.
    pub unix_complete: bool,
    /// Addresses of the interfaces in this namespace.
    pub local_addresses: Vec<IpAddr>,
    /// Cumulative accept-queue overflows of the namespace (`ListenOverflows`).
    pub overflows: Option<u64>,
}

/// How the local ports of one network namespace are used (tcp(7), `ip_local_port_range`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortUse {
    /// Which namespace.
    pub netns: NetNs,
    /// First port that is given to an outgoing connection.
    pub first: u16,
    /// Last one.
    pub last: u16,
    /// TCP sockets in use, listening ones included.
    pub in_use: u32,
    /// Closed connections that still hold their port for a minute (TIME-WAIT).
    pub time_wait: u32,
    /// Cumulative requests for a connection that were dropped because too many were half open
    /// (`TCPReqQFullDrop`).
    #[serde(default)]
    pub syn_drops: Option<u64>,
}

impl PortUse {
    /// How many local ports there are for connections to one destination.
    pub const fn room(&self) -> u32 {
        (self.last.saturating_sub(self.first) as u32).saturating_add(1)
    }
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketFileKind {
    /// Nothing.
    Missing,
    /// A directory on the way is missing.
    ParentMissing,
    /// A socket.
    Socket,
    /// Something else.
    Other,
    /// We may not look.
    Hidden,
}

/// Whether the gateway's worker may connect, computed from uid, groups, mode and ACL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// It may.
    Allowed,
    /// It lacks write permission on the socket.
    SocketDenied,
    /// It lacks search permission on this directory.
    DirectoryDenied(Text),
    /// It cannot be told.
    Unknown,
}

/// A unix socket path as a gateway's worker sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketFile {
    /// For which gateway it was looked at.
    pub gateway: GatewayId,
    /// The path as configured.
    pub path: Text,
    /// What stands there, in the gateway's own mount namespace.
    pub kind: SocketFileKind,
    /// What stands there in ours, where it differs (a private /tmp, for example).
    pub kind_outside: Option<SocketFileKind>,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Inode of the file (not of the socket).
    pub inode: u64,
    /// May the worker connect.
    pub access: Access,
    /// Other sockets in the same directory.
    pub neighbours: Vec<Text>,
    /// Where a symbolic link at the path leads.
    pub link: Option<Text>,
}

/// How a connect ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeOutcome {
    /// Connected (and closed at once).
    Connected,
    /// `ECONNREFUSED`.
    Refused,
    /// `ENOENT`.
    NoSuchFile,
    /// `EACCES` or `EPERM`.
    Denied,
    /// `EAGAIN`: the queue of a unix socket is full.
    QueueFull,
    /// No answer within the limit.
    TimedOut,
    /// `EHOSTUNREACH`.
    HostUnreachable,
    /// `ENETUNREACH`.
    NetworkUnreachable,
    /// Connected, and the peer closed or reset at once without a byte: typical of a port
    /// forwarder with nothing behind it.
    ClosedAtOnce,
    /// Something else, with its errno.
    Other(i32),
    /// Not probed; the reason is in words (saturated, budget, forbidden target).
    Skipped(Text),
}

/// One probe: a connect made the way the gateway does it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// For which gateway.
    pub gateway: GatewayId,
    /// The configured address.
    pub target: Address,
    /// The socket address that was tried, for a name one of several.
    pub tried: Address,
    /// Whether it was made from the gateway's own network namespace.
    pub same_namespace: bool,
    /// How it ended.
    pub outcome: ProbeOutcome,
    /// Time until then, microseconds.
    pub micros: u64,
    /// What came back to a TLS greeting, when that was the question.
    pub tls: Option<TlsAnswer>,
    /// What the handshake told, when it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_facts: Option<Box<TlsFacts>>,
}

/// How a lookup ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolutionOutcome {
    /// Addresses, in the order received.
    Found(Vec<IpAddr>),
    /// The name does not exist.
    NxDomain,
    /// The server answered with an error (SERVFAIL, REFUSED, …).
    ServerFailure(Text),
    /// No answer within the limit.
    TimedOut,
}

/// How long a lookup made by this program may take, in milliseconds. Who answers later is slow for
/// us, and may be in time for a gateway that waits longer.
pub const LOOKUP_MS: u64 = 1_000;

/// One name lookup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The name.
    pub host: Text,
    /// The server asked: the configured `resolver`, or `None` for the host's own resolution.
    pub server: Option<SocketAddr>,
    /// Result.
    pub outcome: ResolutionOutcome,
}

/// What a packet filter rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirewallVerdict {
    /// Dropped silently.
    Drop,
    /// Rejected with an ICMP error or a reset.
    Reject,
}

/// A rule that can hit traffic to an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallRule {
    /// Table and chain.
    pub chain: Text,
    /// The rule as its own tool prints it.
    pub text: Text,
    /// What it does.
    pub verdict: FirewallVerdict,
    /// The upstream addresses that it hits.
    pub hits: Vec<SocketAddr>,
    /// Packets counted so far, when the rule counts.
    pub packets: Option<u64>,
}

/// The rules that hit watched upstreams, at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirewallTable {
    /// Which namespace.
    pub netns: NetNs,
    /// The rules.
    pub rules: Vec<FirewallRule>,
    /// Whether Docker's own chains are there; `None` when that cannot be told.
    #[serde(default)]
    pub docker_chains: Option<bool>,
}
