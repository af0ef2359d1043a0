//! A packet filter of this host rejects the gateway's connects.

use crate::{
    diagnosis::{Confidence, Finding, Missing, Scene},
    evidence::topology::Listening,
    observation::{Address, FirewallVerdict, Origin, ProbeOutcome, SourceId, Wall},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "firewall-reject", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Address::Tcp(address) = peer.address else { continue };
        let refused = matches!(
            peer.probe.map(|p| &p.outcome),
            Some(ProbeOutcome::Refused | ProbeOutcome::HostUnreachable | ProbeOutcome::Denied)
        );
        let rule = scene
            .case
            .firewall
            .values()
            .flat_map(|table| &table.rules)
            .find(|r| r.verdict == FirewallVerdict::Reject && r.hits.contains(&address));
        // A listener that refuses is a contradiction that a filter explains. Without a rule to
        // show it stays a suspicion, and a stopped application needs no filter at all.
        let listening = peer.listening == Listening::Yes;
        // A listener that was born a moment ago may be younger than the refusal.
        let young = |at: Option<Wall>| at.is_some_and(|at| scene.now().since(at).as_secs() < 15);
        let newborn = peer.unit.is_some_and(|u| young(u.exec_start) || u.restarts > 0)
            || peer.processes.iter().any(|p| young(p.started));
        let line = scene
            .facts_on(chain, &["sym-tcp-refused", "sym-no-route-async", "sym-no-route-sync"])
            .next_back();
        let confidence = match (rule, listening, refused) {
            (Some(_), _, true) => Confidence::Confirmed,
            (Some(_), true, false) if line.is_some() => Confidence::Likely,
            (Some(_), _, false) => Confidence::Possible,
            (None, true, true) if peer.local && !newborn => Confidence::Likely,
            _ => continue,
        };
        if rule.is_some() && peer.listening == Listening::No && peer.local {
            continue;
        }
        let summary = match rule {
            Some(rule) => {
                format!("a packet filter rule rejects connects to {address} ({})", rule.chain)
            }
            None => format!(
                "{address} has a listener, and a connect from here is refused: something in between rejects it"
            ),
        };
        let mut finding = Finding::new(RULE.cause, confidence, summary)
            .about(scene.subject_of(chain))
            .with_some(line.map(Scene::quote))
            .since(line.map(|f| f.at).or(scene.incident.first))
            .check("iptables-save -c or nft list ruleset: does the rule's counter rise?");
        if listening {
            finding = finding.with(format!("a socket listens on {address}"), Origin::Sockets, None);
        }
        if refused {
            finding = finding.with(
                format!("a connect to {address} was refused just now"),
                Origin::Probe,
                None,
            );
        }
        if let Some(rule) = rule {
            finding = finding.with(rule.text.to_string(), Origin::Firewall, None);
        } else {
            finding.missing.push(Missing {
                what: "the rule that rejects".to_owned(),
                source: SourceId::Firewall,
            });
        }
        found.push(finding);
    }
    found
}
