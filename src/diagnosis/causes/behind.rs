//! What several rules ask about whatever stands behind an upstream.

use crate::{
    diagnosis::Scene,
    evidence::{
        LogFact,
        topology::{Chain, Peer},
    },
    observation::{Address, Gateway, Owner, ProcessLimits, Wall},
};

/// Whether every process behind an upstream is known and older than a moment: what failed then was
/// not the death of one of them.
pub(super) fn is_older(chain: &Chain<'_>, than: Wall) -> bool {
    !chain.peers.is_empty()
        && chain.peers.iter().all(|peer| {
            !peer.processes.is_empty()
                && peer.processes.iter().all(|p| p.started.is_some_and(|at| at < than))
        })
}

/// Whether the socket of every peer is held by a program of this kind, which must be known.
pub(super) fn runs_program(chain: &Chain<'_>, is: impl Fn(&str) -> bool) -> bool {
    !chain.peers.is_empty()
        && chain.peers.iter().all(|peer| {
            !peer.processes.is_empty() && peer.processes.iter().all(|p| is(p.name.raw()))
        })
}

/// The process of an owner, or of a peer, that is nearest to its limit of open files.
pub(super) fn fullest<'a>(
    scene: &Scene<'a>,
    peer: &Peer<'_>,
    owner: Option<&Owner>,
) -> Option<&'a ProcessLimits> {
    let own = peer.processes.iter().filter(|p| p.name.raw() != "docker-proxy").map(|p| p.pid);
    let theirs = scene
        .case
        .processes
        .values()
        .filter(|p| owner.is_some() && p.owner.as_ref() == owner)
        .map(|p| p.pid);
    let limits = own.chain(theirs).filter_map(|pid| scene.case.limits.get(&pid));
    limits
        .filter(|l| l.open_files.is_some())
        .min_by_key(|l| l.max_open_files.saturating_sub(l.open_files.unwrap_or_default()))
}

/// Whether a line of a gateway names a group of servers as its upstream, as nginx does when it
/// chose none of them.
pub(super) fn names_group(fact: &LogFact, chain: &Chain<'_>) -> bool {
    let Some(group) = chain.upstream.group.as_ref().filter(|_| fact.address.is_none()) else {
        return false;
    };
    fact.gateway.as_ref() == Some(&chain.gateway.id)
        && ["/", "\"", ":"]
            .iter()
            .any(|end| fact.text.raw().contains(&format!("://{}{end}", group.raw())))
}

/// Whether a line belongs to none of the upstreams that are configured now.
pub(super) fn is_of_no_chain(scene: &Scene<'_>, gateway: &Gateway, address: &Address) -> bool {
    !scene.chains_at(address).any(|chain| chain.gateway.id == gateway.id)
}
