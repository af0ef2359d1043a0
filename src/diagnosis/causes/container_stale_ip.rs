//! The gateway asks an address that a container had before it was made again.

use std::net::IpAddr;

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::{
        LogFact,
        topology::{Chain, PeerState},
    },
    observation::{Address, Container, ContainerState, Origin},
};

use super::{behind, by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "container-stale-ip", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        scene.chains.iter().filter_map(|chain| by_name(scene, chain)).collect();
    found.extend(scene.chains.iter().filter_map(|chain| by_number(scene, chain)));
    found
}

/// A name that was looked up at the start: the lines speak of an address that the container of
/// that name does not have any more.
fn by_name<'a>(scene: &Scene<'a>, chain: &Chain<'a>) -> Option<Finding> {
    let Some(Address::Name { host, port }) = &chain.upstream.address else { return None };
    let mut named = scene.case.containers.values().filter(|c| c.is_named(host));
    let container = named.find(|c| c.state == ContainerState::Running)?;
    let old: Vec<(&LogFact, IpAddr)> = scene
        .case
        .logs
        .since(scene.incident.window)
        .filter(|fact| fact.gateway.as_ref() == Some(&chain.gateway.id))
        .filter_map(|fact| match &fact.address {
            Some(address @ Address::Tcp(at)) if at.port() == *port => {
                let stale = behind::is_of_no_chain(scene, chain.gateway, address)
                    && !container.ips.iter().any(|(_, ip)| *ip == at.ip());
                stale.then_some((fact, at.ip()))
            }
            _ => None,
        })
        .collect();
    let (line, ip) = *old.last()?;
    // A container that changed its address after the line was written is looked up at a reload.
    let reloaded = chain.gateway.loaded.is_some_and(|at| at > line.at);
    if container.ips.is_empty() || reloaded {
        return None;
    }
    let mut finding = finding(scene, chain, container, Confidence::Confirmed, ip, Some(line));
    finding.current = still_current(scene, chain.gateway.loaded, line.at);
    Some(finding)
}

/// An address written as a number, in a network of containers, that none of them has.
fn by_number<'a>(scene: &Scene<'a>, chain: &Chain<'a>) -> Option<Finding> {
    let Some(Address::Tcp(at)) = &chain.upstream.address else { return None };
    let ip = at.ip();
    let local = chain.peers.iter().any(|p| p.listener.is_some() || p.container.is_some());
    if chain.upstream.routes.is_empty() || local || chain.state == PeerState::Up {
        return None;
    }
    let on_host = scene.case.listeners.values().any(|t| t.value.local_addresses.contains(&ip));
    let line = scene
        .facts_on(
            chain,
            &[
                "sym-tcp-refused",
                "sym-connect-timeout",
                "sym-no-route-async",
                "sym-no-route-sync",
                "kernel-connect-timeout",
            ],
        )
        .next_back()?;
    let neighbours: Vec<&Container> = scene
        .case
        .containers
        .values()
        .filter(|c| c.state == ContainerState::Running)
        .filter(|c| c.ips.iter().any(|(_, theirs)| same_network(*theirs, ip)))
        .collect();
    let meant = neighbours.iter().find(|c| serves(scene, c, at.port())).or(neighbours.first())?;
    (!on_host).then(|| finding(scene, chain, meant, Confidence::Likely, ip, Some(line)))
}

fn serves(scene: &Scene<'_>, container: &Container, port: u16) -> bool {
    let table = container.netns.and_then(|ns| scene.case.listeners.get(&ns));
    let listens =
        table.is_some_and(|t| t.value.listeners.iter().any(|l| l.address.port() == Some(port)));
    listens || container.claims.iter().any(|c| c.address.port() == Some(port))
}

/// Docker's networks are of 16 bits by default, and smaller ones are common; the smaller is safer.
fn same_network(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            a.octets().first_chunk::<3>() == b.octets().first_chunk::<3>()
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            a.segments().first_chunk::<4>() == b.segments().first_chunk::<4>()
        }
        _ => false,
    }
}

fn finding<'a>(
    scene: &Scene<'a>,
    chain: &Chain<'a>,
    container: &Container,
    sure: Confidence,
    asked: IpAddr,
    line: Option<&LogFact>,
) -> Finding {
    let now: Vec<String> = container.ips.iter().map(|(_, ip)| ip.to_string()).collect();
    let now = now.join(", ");
    let taken = scene
        .case
        .containers
        .values()
        .find(|c| c.id != container.id && c.ips.iter().any(|(_, ip)| *ip == asked));
    let has = taken.map_or_else(
        || "no container has that address now".to_owned(),
        |c| format!("container {} has that address now", c.name),
    );
    let summary = format!(
        "{} asks {asked}, an old address: {has}, and {} is at {now}",
        chain.gateway.kind.as_str(),
        container.name
    );
    let mut subject = scene.subject_of(chain);
    subject.container = Some((container.id.clone(), container.name.clone()));
    let mut finding = Finding::new(RULE.cause, sure, summary)
        .about(subject)
        .with_some(line.map(Scene::quote))
        .with(format!("its addresses now: {now}"), Origin::Docker(container.id.clone()), None)
        .since(line.map(|f| f.at).or(scene.incident.first))
        .check("reload the gateway; for good: names with `resolver 127.0.0.11` and a variable");
    if let Some(other) = taken {
        finding = finding.with(has, Origin::Docker(other.id.clone()), None);
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{ContainerSeen, Host, ago, container, container_id},
        observation::ProbeOutcome,
    };

    /// A gateway in a container of its own, on the network of the application.
    fn inside(upstream: &str) -> Host {
        Host::passing_to(upstream).gateway(|g| g.container = Some(container_id('d'))).container(
            container("front").with(|c| {
                c.id = container_id('d');
                c.ips = vec![("net".into(), [172, 18, 0, 2].into())];
            }),
        )
    }

    fn app(ip: [u8; 4]) -> ContainerSeen {
        container("shop").with(|c| {
            c.netns = None;
            c.ips = vec![("net".into(), ip.into())];
        })
    }

    #[test]
    fn a_name_whose_container_moved_is_still_asked_at_the_old_address() {
        let host =
            inside("shop:8000").container(app([172, 18, 0, 9])).refused(10, "172.18.0.3:8000");
        let found = host.root("container-stale-ip");
        assert!(found.summary.contains("172.18.0.9"), "{}", found.summary);
        host.incident("container-stale-ip", Confidence::Confirmed, "shop");
    }

    #[test]
    fn after_a_reload_the_name_was_looked_up_again() {
        inside("shop:8000")
            .container(app([172, 18, 0, 9]))
            .refused(10, "172.18.0.3:8000")
            .gateway(|g| g.loaded = Some(ago(5)))
            .spares("container-stale-ip");
    }

    #[test]
    fn a_container_that_kept_its_address_and_is_down_inside_is_no_stale_address() {
        inside("shop:8000")
            .container(app([172, 18, 0, 3]))
            .refused(10, "172.18.0.3:8000")
            .spares("container-stale-ip");
    }

    #[test]
    fn a_number_in_the_containers_network_that_nobody_has_is_likely_old() {
        let host = Host::passing_to("172.18.0.3:8000")
            .container(app([172, 18, 0, 9]))
            .probe("172.18.0.3:8000", ProbeOutcome::HostUnreachable)
            .nginx(
                10,
                "connect() failed (113: No route to host) while connecting to upstream",
                "172.18.0.3:8000",
            );
        assert_eq!(host.root("container-stale-ip").confidence, Confidence::Likely);
    }
}
