//! A packet filter of this host rejects the gateway's connects.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Listening, Peer},
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
        // A rule that lets the connect pass (an earlier one accepts it) rejects nobody.
        if peer.probe.is_some_and(|p| p.outcome == ProbeOutcome::Connected) {
            continue;
        }
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
            // The socket may have gone before the connect was tried: only who looked since knows.
            (None, true, true) if peer.local && !newborn && !looked_since(scene, peer) => {
                Confidence::Possible
            }
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
            finding = finding.unseen("the rule that rejects", SourceId::Firewall);
        }
        found.push(finding);
    }
    found
}

/// Whether the sockets were looked at after the connect was tried; a case of which nobody says when
/// that was is taken as one look.
fn looked_since(scene: &Scene<'_>, peer: &Peer<'_>) -> bool {
    let tried = scene.case.probes.values().filter(|dated| dated.value.tried == peer.address);
    let tried = tried.map(|dated| dated.at.boot).max();
    let looked = scene.case.looked.get(&SourceId::Listeners).map(|at| at.boot);
    looked.is_none_or(|looked| tried.is_none_or(|tried| looked >= tried))
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, unit},
        },
        observation::{FirewallVerdict, ProbeOutcome, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    fn refused() -> Host {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .probe(AT, ProbeOutcome::Refused)
            .refused(10, AT)
    }

    #[test]
    fn a_rule_that_rejects_a_connect_to_a_listener_is_shown() {
        let found = refused().filter(FirewallVerdict::Reject, AT).root("firewall-reject");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"sym-tcp-refused"));
    }

    #[test]
    fn a_listener_that_refuses_makes_a_filter_likely_and_says_what_is_missing() {
        let found = refused().root("firewall-reject");
        assert_eq!(found.confidence, Confidence::Likely);
        assert!(found.missing.iter().any(|m| m.source == SourceId::Firewall));
    }

    #[test]
    fn a_socket_that_was_not_looked_at_since_the_refusal_may_be_gone() {
        use crate::{
            diagnosis::testing::case_of,
            evidence::Signatures,
            observation::{Boot, Observation, Seen},
        };
        let seen = refused().observations();
        let at = seen[0].at;
        let sweep = |secs: u64| Observation {
            at: crate::observation::Moment { boot: Boot(at.boot.0 + secs * 1_000_000), ..at },
            source: SourceId::Listeners,
            seen: Seen::Swept { generation: 1 },
        };
        let mut late = seen.clone();
        for observation in &mut late {
            if matches!(observation.seen, Seen::Probe(_)) {
                observation.at.boot.0 += 5_000_000;
            }
        }
        let sure = |extra: Vec<Observation>| {
            let all: Vec<_> = late.iter().cloned().chain(extra).collect();
            let diagnosis = crate::diagnosis::diagnose(&case_of(&all), Signatures::embedded());
            let found = diagnosis.findings.into_iter().find(|f| f.cause == "firewall-reject");
            found.map(|f| f.confidence)
        };
        assert_eq!(sure(vec![sweep(4)]), Some(Confidence::Possible));
        assert_eq!(sure(vec![sweep(4), sweep(6)]), Some(Confidence::Likely));
    }

    #[test]
    fn a_unit_started_three_seconds_ago_needs_no_filter() {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).up_since(3))
            .process_since(100, "app", "shop.service", 3)
            .listens(AT, 100)
            .probe(AT, ProbeOutcome::Refused)
            .refused(10, AT)
            .spares("firewall-reject");
    }

    #[test]
    fn a_stopped_application_needs_no_filter() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).stopped(60))
            .probe(AT, ProbeOutcome::Refused)
            .filter(FirewallVerdict::Reject, AT)
            .refused(10, AT);
        host.spares("firewall-reject");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_rule_that_lets_this_connect_pass_is_nobody_s_trouble() {
        let host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .probe(AT, ProbeOutcome::Connected)
            .filter(FirewallVerdict::Reject, AT)
            .traffic(1, 200, 10);
        host.spares("firewall-reject");
        assert_eq!(host.diagnose().status, Status::Healthy);
    }
}
