//! Another host on the local network does not answer, not even to ARP or neighbour discovery.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Address, Origin, ProbeOutcome},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "host-down-arp", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .down()
        .filter(|(_, peer)| !peer.local && peer.container.is_none())
        .filter_map(|(chain, peer)| {
            let Address::Tcp(address) = peer.address else { return None };
            // A filter that rejects answers at once, so that the probe would have seen it.
            let silent = peer.probe.is_some_and(|p| p.outcome == ProbeOutcome::TimedOut);
            let line = scene.facts_on(chain, &["sym-no-route-async"]).next_back()?;
            if !silent {
                return None;
            }
            let summary = format!("{} does not answer on its network (no neighbour)", address.ip());
            Some(
                Finding::new(RULE.cause, Confidence::Likely, summary)
                    .about(scene.subject_of(chain))
                    .with_some(Some(Scene::quote(line)))
                    .with(
                        format!("a connect to {address} got no answer within a second"),
                        Origin::Probe,
                        None,
                    )
                    .since(scene.incident.first)
                    .check(format!("ip neigh show {}", address.ip())),
            )
        })
        .collect()
}
