//! What the two rules share that look at who listens inside a running container.

use std::net::IpAddr;

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene, scene::Backing},
    evidence::topology::inner_port,
    observation::{Address, ClaimKind, Container, ContainerState, Origin, ProbeOutcome},
};

use super::rule::about_container;

/// What a rule makes of a container's inside: its sentence and the next check.
pub(super) struct Verdict {
    /// One sentence.
    pub summary: String,
    /// The cheapest next check.
    pub check: String,
}

/// A finding for every container behind an upstream whose inside a rule has something to say of.
pub(super) fn judge(
    scene: &Scene<'_>,
    cause: &'static str,
    verdict: fn(&Container, &Inside) -> Option<Verdict>,
) -> Vec<Finding> {
    let of = |backing: &Backing<'_, Container>| {
        let inside = look(scene, backing)?;
        let Verdict { summary, check } = verdict(backing.who, &inside)?;
        let mut finding =
            about_container(scene, backing, cause, inside.confidence, summary).check(check);
        finding.evidence.extend(inside.evidence);
        Some(finding)
    };
    scene.containers().iter().filter_map(of).collect()
}

/// What is known to listen inside.
pub(super) struct Inside {
    /// Port that the gateway's address leads to.
    pub wanted: u16,
    /// Sockets that listen inside.
    pub listens: Vec<(IpAddr, u16)>,
    /// Evidence for that.
    evidence: Vec<Evidence>,
    /// How sure.
    confidence: Confidence,
}

/// Looks inside a running container that does not answer. `None` when it answers, or when nothing
/// is known of its inside.
fn look(scene: &Scene<'_>, backing: &Backing<'_, Container>) -> Option<Inside> {
    let container = backing.who;
    if container.state != ContainerState::Running {
        return None;
    }
    let chains: Vec<_> = backing.chains.iter().filter_map(|i| scene.chains.get(*i)).collect();
    let (chain, peer) = chains
        .iter()
        .flat_map(|chain| chain.peers.iter().map(move |peer| (chain, peer)))
        .find(|(_, peer)| peer.container.is_some_and(|c| c.id == container.id))?;
    let wanted = inner_port(container, &peer.address)?;
    let resets = [
        "sym-reset-before-header",
        "sym-closed-before-header",
        "sym-tcp-refused",
        "sym-reset-while-sending",
    ];
    let line = scene.facts_on(chain, &resets).next_back();
    let outcome = peer.probe.map(|p| &p.outcome);
    let dead = matches!(outcome, Some(ProbeOutcome::ClosedAtOnce | ProbeOutcome::Refused));
    if line.is_none() && !dead {
        return None;
    }
    let mut evidence: Vec<Evidence> = Vec::new();
    if dead {
        evidence.push(Evidence {
            what: format!("a connect to {} is closed or refused at once", peer.address),
            origin: Origin::Probe,
            at: None,
        });
    }
    let seen = container.netns.and_then(|ns| scene.case.listeners.get(&ns));
    let (listens, confidence) = if let Some(table) = seen {
        let listens: Vec<_> = table
            .value
            .listeners
            .iter()
            .filter_map(|l| match l.address {
                // Docker's own resolver inside every container of a user network.
                Address::Tcp(addr) if addr.ip() != IpAddr::from([127, 0, 0, 11]) => {
                    Some((addr.ip(), addr.port()))
                }
                _ => None,
            })
            .collect();
        (listens, Confidence::Confirmed)
    } else {
        let claims = container
            .claims
            .iter()
            .filter(|c| matches!(c.kind, ClaimKind::Command | ClaimKind::Log));
        let listens: Vec<_> = claims
            .filter_map(|c| match c.address {
                Address::Tcp(addr) => Some((addr.ip(), addr.port())),
                _ => None,
            })
            .collect();
        let sure = if dead { Confidence::Confirmed } else { Confidence::Likely };
        (listens, sure)
    };
    if listens.is_empty() && seen.is_none() {
        return None;
    }
    let words: Vec<String> = listens
        .iter()
        .map(|(ip, port)| std::net::SocketAddr::new(*ip, *port).to_string())
        .collect();
    let origin =
        if seen.is_some() { Origin::Sockets } else { Origin::Docker(container.id.clone()) };
    evidence.push(Evidence {
        what: if words.is_empty() {
            "inside, nothing listens".to_owned()
        } else {
            format!("inside, it listens on {}", words.join(", "))
        },
        origin,
        at: None,
    });
    evidence.push(Evidence {
        what: format!("{} leads to port {wanted} inside the container", peer.address),
        origin: Origin::Docker(container.id.clone()),
        at: None,
    });
    Some(Inside { wanted, listens, evidence, confidence })
}
