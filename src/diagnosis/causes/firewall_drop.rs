//! A packet filter of this host drops the gateway's connects.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Address, FirewallVerdict, Origin, ProbeOutcome},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "firewall-drop", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Address::Tcp(address) = peer.address else { continue };
        let silent = peer.probe.is_some_and(|p| p.outcome == ProbeOutcome::TimedOut);
        let rule = scene
            .case
            .firewall
            .values()
            .flat_map(|table| &table.rules)
            .find(|r| r.verdict == FirewallVerdict::Drop && r.hits.contains(&address));
        let line =
            scene.facts_on(chain, &["sym-connect-timeout", "kernel-connect-timeout"]).next_back();
        let confidence = match (rule, silent, line) {
            (Some(_), true, _) => Confidence::Confirmed,
            (Some(_), false, Some(_)) => Confidence::Likely,
            (None, true, _) if peer.local && peer.listener.is_some() && !peer.queue_full() => {
                Confidence::Possible
            }
            _ => continue,
        };
        let summary = match rule {
            Some(rule) => {
                format!("a packet filter rule drops connects to {address} ({})", rule.chain)
            }
            None => format!("{address} has a listener with room, and connects get no answer"),
        };
        let mut finding = Finding::new(RULE.cause, confidence, summary)
            .about(scene.subject_of(chain))
            .with_some(line.map(Scene::quote))
            .check("does the counter of a rule rise with each connect? nft list ruleset")
            .since(line.map(|f| f.at).or(scene.incident.first));
        if silent {
            finding =
                finding.with(format!("a connect to {address} got no answer"), Origin::Probe, None);
        }
        if let Some(rule) = rule {
            finding = finding.with(rule.text.to_string(), Origin::Firewall, None);
        }
        found.push(finding);
    }
    found
}
