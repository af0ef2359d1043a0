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

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{FirewallVerdict, ProbeOutcome},
    };

    const AT: &str = "127.0.0.1:8000";
    const TIMEOUT: &str =
        "upstream timed out (110: Connection timed out) while connecting to upstream";

    fn silent() -> Host {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .probe(AT, ProbeOutcome::TimedOut)
            .nginx(10, TIMEOUT, AT)
    }

    #[test]
    fn a_rule_that_drops_the_connect_is_shown() {
        let found = silent().filter(FirewallVerdict::Drop, AT).root("firewall-drop");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn without_a_rule_a_silent_listener_is_only_a_suspicion() {
        assert_eq!(silent().root("firewall-drop").confidence, Confidence::Possible);
    }

    #[test]
    fn a_full_accept_queue_is_silent_too() {
        Host::passing_to(AT)
            .process(100, "app", "shop.service")
            .listens_with(AT, 100, |l| l.queue = Some(129))
            .probe(AT, ProbeOutcome::TimedOut)
            .nginx(10, TIMEOUT, AT)
            .spares("firewall-drop");
    }

    #[test]
    fn a_silent_machine_elsewhere_is_no_proof_of_a_filter_here() {
        let far = "10.9.9.9:8000";
        Host::passing_to(far)
            .probe(far, ProbeOutcome::TimedOut)
            .nginx(10, TIMEOUT, far)
            .spares("firewall-drop");
    }

    #[test]
    fn a_rule_that_lets_this_connect_pass_is_nobody_s_trouble() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .probe(AT, ProbeOutcome::Connected)
            .filter(FirewallVerdict::Drop, AT)
            .spares("firewall-drop");
    }
}
