//! What listens takes every request and hangs up without an answer, while its process goes on: its
//! own code fails silently, or it is no HTTP server at all.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Chain, PeerState},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "app-exception-no-response", judge };

const CLOSED: [&str; 2] = ["sym-closed-before-header", "sym-reset-before-header"];
/// Requests from which "always" is said.
const MANY: usize = 3;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    // A program that writes down what happened is told by its own words.
    if scene.facts(&[RULE.cause]).next().is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for chain in scene.chains.iter().filter(|chain| always(scene, chain)) {
        let lines: Vec<_> = scene.facts_on(chain, &CLOSED).collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        let steady = chain.peers.iter().all(|peer| {
            !peer.processes.is_empty()
                && peer.processes.iter().all(|p| p.started.is_some_and(|at| at < first.at))
        });
        if !steady {
            continue;
        }
        let summary = format!(
            "{} takes each request and hangs up without an answer ({} times), and its process goes on",
            chain.upstream.written,
            lines.len()
        );
        let mut finding = Finding::new(RULE.cause, Confidence::Possible, summary)
            .about(scene.subject_of(chain))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at))
            .check("is it an HTTP server that listens there? Then its own log of that second");
        finding.current = still_current(scene, chain.gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

/// Whether an upstream that accepts connections closed those of several requests, and no request
/// through its gateway succeeded.
pub(super) fn always<'a>(scene: &Scene<'a>, chain: &Chain<'a>) -> bool {
    let (all, failed) = scene.case.access.totals(Some(&chain.gateway.id), scene.incident.window);
    chain.state == PeerState::Up
        && all > 0
        && all == failed
        && scene.facts_on(chain, &CLOSED).count() >= MANY
}
