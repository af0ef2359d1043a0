//! Gateway and application run in containers that share no network.

use std::collections::BTreeSet;

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::PeerState,
    observation::{Container, Origin, Text},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "container-network-mismatch", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let own = chain.gateway.container.as_ref().and_then(|id| scene.case.containers.get(id));
        let (Some(own), Some(theirs)) = (own, peer.container) else { continue };
        let (ours, others) = (networks(own), networks(theirs));
        let line = scene
            .facts_on(
                chain,
                &["sym-connect-timeout", "kernel-connect-timeout", "sym-no-route-async"],
            )
            .next_back();
        let silent = peer.state != PeerState::Up || line.is_some();
        if ours.is_empty() || others.is_empty() || !ours.is_disjoint(&others) || !silent {
            continue;
        }
        let list = |names: &BTreeSet<&Text>| {
            names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let summary = format!(
            "the gateway's container is on {}, container {} on {}: they cannot reach each other",
            list(&ours),
            theirs.name,
            list(&others)
        );
        let mut subject = scene.subject_of(chain);
        subject.container = Some((theirs.id.clone(), theirs.name.clone()));
        found.push(
            Finding::new(RULE.cause, Confidence::Confirmed, summary)
                .about(subject)
                .with(format!("networks: {}", list(&ours)), Origin::Docker(own.id.clone()), None)
                .with(
                    format!("networks: {}", list(&others)),
                    Origin::Docker(theirs.id.clone()),
                    None,
                )
                .with_some(line.map(Scene::quote))
                .since(line.map(|f| f.at).or(scene.incident.first))
                .check(format!(
                    "put both on one network: docker network connect NETWORK {}",
                    theirs.name
                )),
        );
    }
    found
}

fn networks(container: &Container) -> BTreeSet<&Text> {
    container.ips.iter().map(|(network, _)| network).collect()
}
