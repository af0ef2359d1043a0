//! When nothing listens: who should, and who listens close by.

use std::net::IpAddr;

use crate::{
    evidence::CaseFile,
    observation::{
        Address, Claim, ClaimKind, ConfiguredUpstream, Container, Gateway, Listener,
        ManagedProgram, Owner, Process, ProgramState, Protocol, Unit,
    },
};

use super::{
    chain::{Listening, Peer, serves},
    index::Index,
    programs::{Missed, missed},
};

/// A unit, a managed program or a container that should serve an address.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The unit, or
    pub unit: Option<&'a Unit>,
    /// the program of another manager, or
    pub program: Option<&'a ManagedProgram>,
    /// the container.
    pub container: Option<&'a Container>,
    /// How that is known; `None` when it is only the one that is left.
    pub claim: Option<&'a Claim>,
    /// How strongly: lower is stronger. History 0 … mention 5, elimination 9.
    pub weakness: u8,
}

impl<'a> Candidate<'a> {
    const fn of(who: Missed<'a>, claim: Option<&'a Claim>, weakness: u8) -> Self {
        match who {
            Missed::Unit(unit) => Self::unit(unit, claim, weakness),
            Missed::Program(program) => {
                Self { unit: None, program: Some(program), container: None, claim, weakness }
            }
        }
    }

    const fn unit(unit: &'a Unit, claim: Option<&'a Claim>, weakness: u8) -> Self {
        Self { unit: Some(unit), program: None, container: None, claim, weakness }
    }

    /// Whether it runs, as far as its manager knows; `None` for a container.
    pub fn is_up(&self) -> Option<bool> {
        self.unit.map(Unit::is_up).or_else(|| self.program.map(ManagedProgram::is_up))
    }

    /// Whether the link to the address rests on more than elimination.
    pub const fn is_claimed(&self) -> bool {
        self.weakness < 9
    }
}

/// How a listener is close to an address that nobody serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// The same port on another address or family.
    SamePort,
    /// A socket in the same directory.
    SameDirectory,
    /// A socket or port of the program that should serve the address.
    SameProgram,
    /// Another port.
    OtherPort,
}

/// A listener close to an address that nobody serves.
#[derive(Clone, Debug)]
pub struct Nearby<'a> {
    /// The socket.
    pub listener: &'a Listener,
    /// How it is close.
    pub nearness: Nearness,
    /// The process that holds it.
    pub process: Option<&'a Process>,
    /// Its unit.
    pub unit: Option<&'a Unit>,
    /// Its managed program; then its unit is only its manager's and not told.
    pub program: Option<&'a ManagedProgram>,
    /// Whether an upstream of some gateway already leads to it.
    pub used: bool,
}

/// Units and containers that should serve the address, best first.
pub(super) fn who_should<'a>(
    case: &'a CaseFile,
    index: &Index<'a>,
    peer: &Peer<'a>,
    upstream: &ConfiguredUpstream,
) -> Vec<Candidate<'a>> {
    let mut found: Vec<Candidate<'a>> = Vec::new();
    if let Some(Owner::Unit(name)) = case.history.get(&peer.address)
        && let Some(unit) = case.units.get(name).filter(|u| !index.programs.are_kept_by(&u.name))
    {
        found.push(Candidate::unit(unit, None, 0));
    }
    let served = case.programs.served(&peer.address).and_then(|id| case.program(id));
    found.extend(served.map(|(m, program)| Candidate::of(missed(case, m, program), None, 0)));
    for (manager, program, claims) in index.programs.claims_at(&peer.address) {
        let fitting = claims.iter().filter(|claim| claim_matches(claim, &peer.address));
        if let Some(claim) = fitting.min_by_key(|claim| weakness(claim.kind)) {
            let weakness = weakness(claim.kind);
            found.push(Candidate::of(missed(case, manager, program), Some(claim), weakness));
        }
    }
    for (unit, claims) in index.claims_at(&peer.address) {
        if index.programs.are_kept_by(&unit.name) {
            continue;
        }
        let fitting = claims.iter().filter(|claim| claim_matches(claim, &peer.address));
        if let Some(claim) = fitting.min_by_key(|claim| weakness(claim.kind)) {
            let weakness = weakness(claim.kind);
            found.push(Candidate::unit(unit, Some(claim), weakness));
        }
    }
    for container in case.containers.values().filter(|c| c.host_network) {
        if let Some(claim) = container.claims.iter().find(|c| claim_matches(c, &peer.address)) {
            let weakness = weakness(claim.kind);
            found.push(Candidate {
                unit: None,
                program: None,
                container: Some(container),
                claim: Some(claim),
                weakness,
            });
        }
    }
    if found.is_empty() && peer.container.is_none() && peer.local {
        found.extend(only_one_left(index, peer, upstream));
    }
    // Among equal claims the one that is not up is the one that is missed.
    let up = |c: &Candidate<'_>| c.is_up() == Some(true);
    let name =
        |c: &Candidate<'_>| (c.unit.map(|u| u.name.clone()), c.program.map(|p| p.id.clone()));
    // A list or configuration that nobody reads now says less than a manager that runs.
    let absent = |c: &Candidate<'_>| c.program.is_some_and(|p| p.state == ProgramState::Absent);
    found.sort_by_key(|c| (c.weakness, absent(c), up(c), name(c)));
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|c| {
        let program = c.program.map(|p| &p.id);
        seen.insert((c.unit.map(|u| &u.name), program, c.container.map(|c| &c.id)))
    });
    found.truncate(8);
    found
}

const fn weakness(kind: ClaimKind) -> u8 {
    match kind {
        ClaimKind::History => 0,
        ClaimKind::Log | ClaimKind::Binding => 1,
        ClaimKind::Command => 2,
        ClaimKind::Config => 3,
        ClaimKind::Mention => 5,
    }
}

pub(super) fn claim_matches(claim: &Claim, address: &Address) -> bool {
    match (&claim.address, address) {
        (Address::Unix(a), Address::Unix(b)) => {
            a == b
                || a.raw().strip_prefix("/var") == Some(b.raw())
                || b.raw().strip_prefix("/var") == Some(a.raw())
        }
        (Address::Tcp(a), Address::Tcp(b)) => {
            a.port() == b.port()
                && (a.ip() == b.ip()
                    || a.ip().is_unspecified()
                    || (a.ip().is_loopback() && b.ip().is_loopback()))
        }
        (Address::Name { port, .. }, Address::Tcp(b)) => *port == b.port(),
        _ => false,
    }
}

/// With no claim at all: a service that is down, is long-running by nature, and serves nothing
/// else. It counts only when it is the only one.
fn only_one_left<'a>(
    index: &Index<'a>,
    peer: &Peer<'a>,
    upstream: &ConfiguredUpstream,
) -> Option<Candidate<'a>> {
    if peer.listening != Listening::No {
        return None;
    }
    let fits = |unit: &&&Unit| {
        upstream.protocol != Protocol::Fastcgi || unit.name.as_str().contains("fpm")
    };
    let mut all = index.unclaimed().iter().filter(fits);
    let only = all.next()?;
    all.next().is_none().then_some(Candidate::unit(only, None, 9))
}

/// Listeners close to the address, closest first.
pub(super) fn who_is_near<'a>(
    case: &'a CaseFile,
    index: &Index<'a>,
    gateway: &'a Gateway,
    peer: &Peer<'a>,
    upstream: &ConfiguredUpstream,
) -> Vec<Nearby<'a>> {
    let Some(netns) = case.netns_of(gateway) else { return Vec::new() };
    let candidates: Vec<_> =
        peer.candidates.iter().filter_map(|c| c.unit).map(|unit| &unit.name).collect();
    let programs: Vec<_> =
        peer.candidates.iter().filter_map(|c| c.program).map(|program| &program.id).collect();
    let mut near: Vec<Nearby<'a>> = Vec::new();
    for other in index.around(netns, &peer.address, &candidates) {
        let (listener, process, unit) = (other.listener, other.process, other.unit);
        if serves(listener, &peer.address) {
            continue;
        }
        let own = unit.is_some_and(|unit| candidates.contains(&&unit.name))
            || other.program.is_some_and(|p| programs.contains(&&p.id));
        let nearness = match nearness(&listener.address, &peer.address) {
            Some(Nearness::SamePort) => Some(Nearness::SamePort),
            _ if own => Some(Nearness::SameProgram),
            None if moved_pool(upstream, process) => Some(Nearness::SameProgram),
            other => other,
        };
        let Some(nearness) = nearness else { continue };
        if nearness == Nearness::OtherPort && is_well_known(&listener.address) {
            continue;
        }
        let (used, program) = (other.used, other.program);
        near.push(Nearby { listener, nearness, process, unit, program, used });
    }
    near.sort_by_key(|n| (n.nearness, n.used, distance(&n.listener.address, &peer.address)));
    near.truncate(16);
    near
}

/// A pool of PHP-FPM that went from a socket to a port, or back, is still what FastCGI is for.
fn moved_pool(upstream: &ConfiguredUpstream, process: Option<&Process>) -> bool {
    upstream.protocol == Protocol::Fastcgi
        && process.is_some_and(|p| p.name.raw().starts_with("php-fpm"))
}

fn nearness(bound: &Address, wanted: &Address) -> Option<Nearness> {
    match (bound, wanted) {
        (Address::Tcp(b), Address::Tcp(w)) if b.port() == w.port() => Some(Nearness::SamePort),
        (Address::Tcp(b), Address::Tcp(w)) => {
            reachable(b.ip(), w.ip()).then_some(Nearness::OtherPort)
        }
        (Address::Unix(b), Address::Unix(w)) => {
            let dir = |p: &str| {
                p.rsplit_once('/').map(|(d, _)| d.strip_prefix("/var").unwrap_or(d).to_owned())
            };
            (dir(b.raw()).is_some() && dir(b.raw()) == dir(w.raw()))
                .then_some(Nearness::SameDirectory)
        }
        _ => None,
    }
}

fn reachable(bound: IpAddr, wanted: IpAddr) -> bool {
    bound == wanted || bound.is_unspecified() || (bound.is_loopback() && wanted.is_loopback())
}

/// Ports of services that are something else on every host, whoever holds them.
fn is_well_known(address: &Address) -> bool {
    const PORTS: [u16; 40] = [
        21, 22, 23, 25, 53, 67, 88, 110, 111, 123, 139, 143, 161, 389, 445, 465, 514, 587, 631,
        636, 873, 993, 995, 1433, 1521, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5672, 6379,
        6443, 9100, 9200, 11211, 27017,
    ];
    address.port().is_some_and(|port| PORTS.contains(&port))
}

/// How far apart two ports are: digits that differ first, then the numbers.
fn distance(a: &Address, b: &Address) -> (usize, u16) {
    match (a.port(), b.port()) {
        (Some(a), Some(b)) => {
            let (x, y) = (a.to_string(), b.to_string());
            let differ = x.bytes().zip(y.bytes()).filter(|(l, r)| l != r).count();
            (differ + x.len().abs_diff(y.len()), a.abs_diff(b))
        }
        _ => (0, 0),
    }
}
