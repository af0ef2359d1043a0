//! The chain of one upstream.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use crate::{
    evidence::CaseFile,
    observation::{
        Access, Address, ConfiguredUpstream, Container, ContainerState, Gateway, GatewayId, Health,
        Listener, ManagedProgram, Owner, Probe, ProbeOutcome, Process, SocketFile, SocketFileKind,
        Unit, UpstreamId,
    },
};

use super::{
    behind,
    candidates::{self, Candidate, Nearby},
    index::Index,
    names,
};

/// Whether a socket listens at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listening {
    /// It does.
    Yes,
    /// It does not, and we could have seen it.
    No,
    /// The address is on another machine, or the namespace is out of sight.
    Unknown,
}

/// How one address behind an upstream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerState {
    /// It answers connects.
    Up,
    /// It accepts, but its queue is full or its process is frozen.
    Strained,
    /// It cannot be told.
    Unknown,
    /// A connect fails.
    Down,
}

/// One socket address behind an upstream, with everything that stands behind it.
#[derive(Clone, Debug)]
pub struct Peer<'a> {
    /// The address.
    pub address: Address,
    /// Whether something listens there.
    pub listening: Listening,
    /// The listening socket.
    pub listener: Option<&'a Listener>,
    /// Whether the address belongs to this host (or to a container on it).
    pub local: bool,
    /// The processes that hold the socket.
    pub processes: Vec<&'a Process>,
    /// Unit behind the socket; none where a manager that the unit runs keeps a program there.
    pub unit: Option<&'a Unit>,
    /// Program of another manager behind the socket.
    pub program: Option<&'a ManagedProgram>,
    /// Container behind the address.
    pub container: Option<&'a Container>,
    /// The newest probe.
    pub probe: Option<&'a Probe>,
    /// The socket file, for a unix socket.
    pub socket: Option<&'a SocketFile>,
    /// Who should serve the address, best first; empty when somebody does.
    pub candidates: Vec<Candidate<'a>>,
    /// Who listens close by.
    pub nearby: Vec<Nearby<'a>>,
    /// How it is.
    pub state: PeerState,
    /// Why, in a few words.
    pub reason: &'static str,
}

impl<'a> Peer<'a> {
    /// The unit that is behind the address or should be.
    pub fn responsible_unit(&self) -> Option<&'a Unit> {
        if self.unit.is_some() || self.program.is_some() {
            return self.unit;
        }
        self.candidates.iter().find(|c| c.container.is_none()).and_then(|c| c.unit)
    }

    /// The managed program that is behind the address or should be.
    pub fn responsible_program(&self) -> Option<&'a ManagedProgram> {
        if self.unit.is_some() || self.program.is_some() {
            return self.program;
        }
        self.candidates.iter().find(|c| c.container.is_none()).and_then(|c| c.program)
    }

    /// The container that is behind the address or should be.
    pub fn responsible_container(&self) -> Option<&'a Container> {
        self.container.or_else(|| self.candidates.iter().find_map(|c| c.container))
    }

    /// Whether the accept queue is at its limit.
    pub fn queue_full(&self) -> bool {
        let full = self.listener.is_some_and(|l| match (l.queue, l.backlog) {
            (Some(queue), Some(backlog)) => queue > 0 && queue >= backlog,
            _ => false,
        });
        full || self.probe.is_some_and(|p| p.outcome == ProbeOutcome::QueueFull)
    }
}

/// One upstream with its peers.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    /// Its place in the list of all chains.
    pub index: usize,
    /// Its gateway.
    pub gateway: &'a Gateway,
    /// The configured upstream.
    pub upstream: &'a ConfiguredUpstream,
    /// Its peers, one for each address that the name resolves to.
    pub peers: Vec<Peer<'a>>,
    /// The worst that matters: down only when no peer can serve.
    pub state: PeerState,
    /// Why, in a few words.
    pub reason: &'static str,
    /// Whether a variable chooses it among others, and no error line of the last hour is about it:
    /// how it is troubles nobody.
    pub idle: bool,
}

impl Chain<'_> {
    /// Whether an address in a log line belongs to this upstream.
    pub fn has_address(&self, address: &Address) -> bool {
        self.upstream.address.as_ref() == Some(address)
            || self.peers.iter().any(|peer| peer.address == *address)
    }
}

/// The chain of every upstream of every gateway, in the order of their ids.
pub fn chains(case: &CaseFile) -> Vec<Chain<'_>> {
    chains_where(case, |_| true)
}

/// The chains of some upstreams; their places are those among all chains.
pub fn chains_of<'a>(case: &'a CaseFile, ids: &[UpstreamId]) -> Vec<Chain<'a>> {
    let ids: BTreeSet<&UpstreamId> = ids.iter().collect();
    chains_where(case, |upstream| ids.contains(&upstream.id))
}

fn chains_where(case: &CaseFile, wanted: impl Fn(&ConfiguredUpstream) -> bool) -> Vec<Chain<'_>> {
    let index = Index::new(case);
    let mut all = Vec::new();
    let mut at = 0;
    for (id, config) in &case.configs {
        let Some(gateway) = case.gateways.get(id) else { continue };
        for upstream in &config.upstreams {
            if wanted(upstream) {
                all.push(chain(case, &index, gateway, upstream, at));
            }
            at += 1;
        }
    }
    all
}

/// The chain of one upstream.
pub fn chain_of<'a>(case: &'a CaseFile, gateway: &GatewayId, id: &UpstreamId) -> Option<Chain<'a>> {
    let upstreams = &case.configs.get(gateway)?.upstreams;
    let upstream = upstreams.iter().find(|upstream| upstream.id == *id)?;
    Some(chain(case, &Index::new(case), case.gateways.get(gateway)?, upstream, 0))
}

fn chain<'a>(
    case: &'a CaseFile,
    index: &Index<'a>,
    gateway: &'a Gateway,
    upstream: &'a ConfiguredUpstream,
    place: usize,
) -> Chain<'a> {
    let addresses = names::addresses(case, gateway, upstream, index);
    let peers: Vec<Peer<'a>> = match &addresses {
        names::Addresses::Known(list) | names::Addresses::Variable(list) => {
            list.iter().map(|address| peer(case, index, gateway, upstream, address)).collect()
        }
        _ => Vec::new(),
    };
    let (mut state, mut reason) = match addresses {
        names::Addresses::Unresolvable => (PeerState::Down, "its name does not resolve"),
        // None of them stands in for another.
        names::Addresses::Variable(_) => peers
            .iter()
            .max_by_key(|peer| peer.state)
            .map_or((PeerState::Unknown, VARIABLE), |worst| (worst.state, worst.reason)),
        names::Addresses::Slow => (PeerState::Unknown, "its name is slow to look up"),
        names::Addresses::Pending => (PeerState::Unknown, "its name has not been looked up yet"),
        names::Addresses::Known(_) => peers
            .iter()
            .min_by_key(|peer| peer.state)
            .map_or((PeerState::Unknown, "not seen yet"), |best| (best.state, best.reason)),
    };
    let asked = |address: &Address| index.is_logged(&gateway.id, address);
    let idle = upstream.chosen
        && !upstream.address.iter().any(asked)
        && !peers.iter().any(|peer| asked(&peer.address));
    if idle && state == PeerState::Down {
        (state, reason) = (PeerState::Unknown, "it is down, and no request was seen to go there");
    }
    Chain { index: place, gateway, upstream, peers, state, reason, idle }
}

/// Why nothing is known of an upstream that no line names.
const VARIABLE: &str = "decided by a variable at run time";

fn peer<'a>(
    case: &'a CaseFile,
    index: &Index<'a>,
    gateway: &'a Gateway,
    upstream: &'a ConfiguredUpstream,
    address: &Address,
) -> Peer<'a> {
    let netns = case.netns_of(gateway);
    let table = netns.and_then(|ns| case.listeners.get(&ns)).map(|d| &d.value);
    let listener = netns.and_then(|ns| index.listener(ns, address));
    let local = match address {
        Address::Tcp(addr) => {
            addr.ip().is_loopback()
                || addr.ip().is_unspecified()
                || table.is_some_and(|t| t.local_addresses.contains(&addr.ip()))
        }
        _ => true,
    };
    let unknown = table.is_none_or(|t| t.local_addresses.is_empty());
    let here = local || unknown;
    // What listens on the host's port of a container that has ended is somebody else.
    let labelled = upstream.container.as_ref().and_then(|id| case.containers.get(id));
    let told = || {
        behind::container(case, gateway, address, here).filter(|c| {
            listener.is_none()
                || !matches!(c.state, ContainerState::Exited | ContainerState::Created)
        })
    };
    let container = labelled.or_else(told);
    let socket = address.path().and_then(|path| {
        case.socket_files.get(&(gateway.id.clone(), crate::observation::Text::new(path)))
    });
    let listening = match (table, listener) {
        (_, Some(_)) => Listening::Yes,
        (Some(t), None) if address.path().is_some() && !t.unix_complete => Listening::Unknown,
        (Some(_), None) if local => Listening::No,
        _ => behind::listens_inside(case, container, address),
    };
    let processes: Vec<&Process> = listener
        .map(|l| l.pids.iter().filter_map(|pid| case.processes.get(pid)).collect())
        .unwrap_or_default();
    let program = match container {
        Some(_) => None,
        None => listener.and_then(|listener| index.programs.holder(listener)),
    };
    let unit = match (container, program) {
        (None, None) => behind::unit(case, &processes),
        _ => None,
    };
    let target = upstream.address.clone().unwrap_or_else(|| address.clone());
    let probe =
        case.probes.get(&(gateway.id.clone(), target, address.clone())).map(|dated| &dated.value);
    let mut peer = Peer {
        address: address.clone(),
        listening,
        listener,
        local: local || container.is_some(),
        processes,
        unit,
        program,
        container,
        probe,
        socket,
        candidates: Vec::new(),
        nearby: Vec::new(),
        state: PeerState::Unknown,
        reason: "not seen yet",
    };
    (peer.state, peer.reason) = labelled.and_then(left_out).unwrap_or_else(|| judge(&peer));
    let known = peer.unit.is_some() || peer.program.is_some();
    if !known || peer.state != PeerState::Up {
        peer.candidates = candidates::who_should(case, index, &peer, upstream);
    }
    if peer.state != PeerState::Up {
        peer.nearby = candidates::who_is_near(case, index, gateway, &peer, upstream);
    }
    // Whose the socket is may be hidden from an ordinary user; then the unit that says so counts.
    if peer.container.is_none() && listener.is_some_and(|l| l.pids.is_empty()) {
        let told = peer.candidates.iter().find(|c| c.is_claimed() && c.is_up() == Some(true));
        peer.unit = told.and_then(|c| c.unit);
        peer.program = told.and_then(|c| c.program);
    }
    peer
}

/// Whether a listening socket takes connects to `address`.
pub(super) fn serves(listener: &Listener, address: &Address) -> bool {
    if !listener.stream {
        return false;
    }
    match (&listener.address, address) {
        (Address::Unix(bound), Address::Unix(wanted)) => {
            bound == wanted || same_run(bound.raw(), wanted.raw())
        }
        (Address::Tcp(bound), Address::Tcp(wanted)) => {
            bound.port() == wanted.port() && ip_serves(*bound, wanted.ip(), listener.v6_only)
        }
        _ => false,
    }
}

/// `/var/run` is a link to `/run` everywhere that matters.
fn same_run(a: &str, b: &str) -> bool {
    let strip =
        |p: &str| p.strip_prefix("/var").filter(|r| r.starts_with("/run/")).unwrap_or(p).to_owned();
    strip(a) == strip(b)
}

fn ip_serves(bound: SocketAddr, wanted: IpAddr, v6_only: Option<bool>) -> bool {
    match (bound.ip(), wanted) {
        (IpAddr::V4(b), IpAddr::V4(w)) => b == w || b.is_unspecified(),
        (IpAddr::V6(b), IpAddr::V6(w)) => b == w || b.is_unspecified(),
        (IpAddr::V6(b), IpAddr::V4(w)) => {
            (b.is_unspecified() && v6_only != Some(true)) || b.to_ipv4_mapped() == Some(w)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
    }
}

fn judge(peer: &Peer<'_>) -> (PeerState, &'static str) {
    if let Some(container) = peer.container {
        match container.state {
            ContainerState::Paused => return (PeerState::Strained, "its container is paused"),
            ContainerState::Exited | ContainerState::Created => {
                return (PeerState::Down, "its container is not running");
            }
            ContainerState::Restarting => {
                return (PeerState::Down, "its container keeps restarting");
            }
            ContainerState::Running | ContainerState::Other => {}
        }
    }
    if let Some(verdict) = judge_socket(peer) {
        return verdict;
    }
    if peer.processes.iter().any(|p| p.state == crate::observation::RunState::Stopped) {
        return (PeerState::Strained, "its process is stopped");
    }
    if peer.queue_full() {
        return (PeerState::Strained, "its accept queue is full");
    }
    match (peer.probe.map(|p| &p.outcome), peer.listening) {
        (Some(ProbeOutcome::Refused), Listening::Yes) if peer.local => {
            (PeerState::Down, "refused although something listens")
        }
        (Some(ProbeOutcome::Refused), _) => (PeerState::Down, "connection refused"),
        (Some(ProbeOutcome::ClosedAtOnce), _) => {
            (PeerState::Down, "closed at once after the connect")
        }
        (Some(ProbeOutcome::TimedOut), _) => (PeerState::Down, "no answer to the connect"),
        (Some(ProbeOutcome::HostUnreachable), _) => (PeerState::Down, "host unreachable"),
        (Some(ProbeOutcome::NetworkUnreachable), _) => (PeerState::Down, "network unreachable"),
        (_, Listening::No) if peer.address.path().is_some() => {
            (PeerState::Down, "no socket listens")
        }
        (_, Listening::No) => (PeerState::Down, "nothing listens there"),
        (Some(ProbeOutcome::Connected), _) => (PeerState::Up, "connects"),
        (_, Listening::Yes) => (PeerState::Up, "listening"),
        _ => (PeerState::Unknown, "cannot be seen from here"),
    }
}

/// What a container's health makes of it where a gateway goes by labels: it takes those that are
/// well, or that have no check.
const fn left_out(container: &Container) -> Option<(PeerState, &'static str)> {
    match (container.state, container.health) {
        (ContainerState::Running, Health::Unhealthy) => {
            Some((PeerState::Down, "its health check fails: the gateway leaves it out"))
        }
        (ContainerState::Running, Health::Starting) => {
            Some((PeerState::Strained, "its health check has not passed yet: it is left out"))
        }
        _ => None,
    }
}

fn judge_socket(peer: &Peer<'_>) -> Option<(PeerState, &'static str)> {
    let socket = peer.socket?;
    match (socket.kind, &socket.access) {
        (SocketFileKind::Missing, _) => Some((PeerState::Down, "no such socket")),
        (SocketFileKind::ParentMissing, _) => Some((PeerState::Down, "no such directory")),
        (SocketFileKind::Other, _) => Some((PeerState::Down, "not a socket")),
        (_, Access::SocketDenied) => {
            Some((PeerState::Down, "the worker may not write to the socket"))
        }
        (_, Access::DirectoryDenied(_)) => {
            Some((PeerState::Down, "the worker may not enter the socket's directory"))
        }
        (SocketFileKind::Socket, _) if peer.listening == Listening::No => {
            Some((PeerState::Down, "a socket file that nobody listens on"))
        }
        _ => None,
    }
}

impl Peer<'_> {
    /// The owner of the listening socket, as a unit or container.
    pub fn owner(&self) -> Option<Owner> {
        self.container
            .map(|c| Owner::Container(c.id.clone()))
            .or_else(|| self.unit.map(|u| Owner::Unit(u.name.clone())))
    }
}
