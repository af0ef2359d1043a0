//! What stands behind a socket: unit or container.

use crate::{
    evidence::CaseFile,
    observation::{Address, Container, ContainerState, Gateway, Owner, Process, Text, Unit},
};

use super::chain::{Listening, serves};

/// The unit that owns the processes of a socket. A socket unit's socket is held by PID 1; then
/// the first owner that is a service counts.
pub(super) fn unit<'a>(case: &'a CaseFile, processes: &[&'a Process]) -> Option<&'a Unit> {
    let mut names = processes.iter().filter_map(|p| match &p.owner {
        Some(Owner::Unit(name)) => Some(name),
        _ => None,
    });
    names.find_map(|name| case.units.get(name).filter(|u| u.name.is_service()))
}

/// The container behind an address: by a published port of this host, by its own address, or by
/// the cgroup of the process that listens. A port published on every address is one of this host's
/// own addresses, never of another machine's: `here` says whether the address may be one.
pub(super) fn container<'a>(
    case: &'a CaseFile,
    gateway: &'a Gateway,
    address: &Address,
    here: bool,
) -> Option<&'a Container> {
    if let Address::Name { host, .. } = address {
        return stopped_namesake(case, gateway, host);
    }
    let Address::Tcp(addr) = address else { return None };
    let published = |c: &&Container| {
        c.ports.iter().any(|p| {
            p.host_port == addr.port()
                && (p.host_ip.is_unspecified() || p.host_ip == addr.ip())
                && !c.ips.iter().any(|(_, ip)| *ip == addr.ip())
        })
    };
    let inside = |c: &&Container| c.ips.iter().any(|(_, ip)| *ip == addr.ip());
    let rank = |c: &&Container| match c.state {
        ContainerState::Running | ContainerState::Paused => 0,
        ContainerState::Restarting => 1,
        _ => 2,
    };
    let own_network = here && gateway.container.is_none();
    case.containers.values().filter(|c| inside(c) || (own_network && published(c))).min_by_key(rank)
}

/// The container that a gateway in a container means by a name, while it does not run.
pub(super) fn stopped_namesake<'a>(
    case: &'a CaseFile,
    gateway: &Gateway,
    host: &Text,
) -> Option<&'a Container> {
    gateway.container.as_ref()?;
    let up = |c: &Container| matches!(c.state, ContainerState::Running | ContainerState::Paused);
    let mut named = case.containers.values().filter(|c| c.is_named(host));
    let first = named.next()?;
    // Another one with the name that runs is not reachable for another reason.
    (!up(first) && !named.any(up)).then_some(first)
}

/// The port inside the container that an address leads to.
pub(crate) fn inner_port(container: &Container, address: &Address) -> Option<u16> {
    let Address::Tcp(addr) = address else { return None };
    if container.ips.iter().any(|(_, ip)| *ip == addr.ip()) {
        return Some(addr.port());
    }
    container.ports.iter().find(|p| p.host_port == addr.port()).map(|p| p.container_port)
}

/// Whether anything inside the container listens where the address leads.
pub(super) fn listens_inside(
    case: &CaseFile,
    container: Option<&Container>,
    address: &Address,
) -> Listening {
    let Some(container) = container else { return Listening::Unknown };
    let Some(table) = container.netns.and_then(|ns| case.listeners.get(&ns)) else {
        return Listening::Unknown;
    };
    let (Some(port), Address::Tcp(addr)) = (inner_port(container, address), address) else {
        return Listening::Unknown;
    };
    let inner = container.ips.iter().map(|(_, ip)| *ip).find(|ip| ip.is_ipv4() == addr.is_ipv4());
    let Some(ip) = inner else { return Listening::Unknown };
    let wanted = Address::Tcp((ip, port).into());
    if table.value.listeners.iter().any(|l| serves(l, &wanted)) {
        Listening::Yes
    } else {
        Listening::No
    }
}
