//! The accept queue of a unix socket is full.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::Origin,
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "unix-backlog-full", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers().filter(|(_, p)| p.address.path().is_some()) {
        let line = scene.facts_on(chain, &["unix-backlog-full"]).next_back();
        let full = peer.queue_full();
        if line.is_none() && !full {
            continue;
        }
        let mut finding = Finding::new(
            RULE.cause,
            Confidence::Confirmed,
            format!("the accept queue of {} is full: its workers do not keep up", peer.address),
        )
        .about(scene.subject_of(chain))
        .with_some(line.map(Scene::quote))
        .since(line.map(|f| f.at).or(scene.incident.first))
        .check("why are all workers busy? a longer queue only makes everybody wait longer");
        finding.current =
            full || line.is_some_and(|f| super::by_upstream_line::still_current(scene, None, f.at));
        if let Some((queue, backlog)) = peer.listener.and_then(|l| l.queue.zip(l.backlog)) {
            finding = finding.with(
                format!("{queue} connections wait, the limit is {backlog}"),
                Origin::Sockets,
                None,
            );
        }
        found.push(finding);
    }
    found
}
