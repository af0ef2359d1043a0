//! The backend's host answers, and nothing listens there: the cause is on another machine.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Address, FirewallVerdict, Origin, ProbeOutcome},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "remote-refused", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .down()
        .filter(|(_, peer)| !peer.local && peer.container.is_none())
        .filter(|(_, peer)| peer.probe.is_some_and(|p| p.outcome == ProbeOutcome::Refused))
        .filter_map(|(chain, peer)| {
            let Address::Tcp(address) = peer.address else { return None };
            // A filter of this host refuses in the other's name.
            let filtered =
                scene.case.firewall.values().flat_map(|table| &table.rules).any(|rule| {
                    rule.verdict == FirewallVerdict::Reject && rule.hits.contains(&address)
                });
            if filtered {
                return None;
            }
            let summary = format!(
                "{address} is on another host, which refuses the connect: \
                 its service is down or listens elsewhere"
            );
            Some(
                Finding::new(RULE.cause, Confidence::Confirmed, summary)
                    .about(scene.subject_of(chain))
                    .with(
                        format!("a connect to {address} was refused just now"),
                        Origin::Probe,
                        None,
                    )
                    .with(
                        format!("{} is no address of this host", address.ip()),
                        Origin::Sockets,
                        None,
                    )
                    .with_some(
                        scene.facts_on(chain, &["sym-tcp-refused"]).next_back().map(Scene::quote),
                    )
                    .since(scene.incident.first)
                    .check(format!("on {}: ss -ltnp sport = :{}", address.ip(), address.port())),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{FirewallVerdict, ProbeOutcome},
    };

    const FAR: &str = "10.66.0.2:8080";

    #[test]
    fn another_host_that_refuses_is_named_as_such() {
        let host = Host::passing_to(FAR).refused(10, FAR).probe(FAR, ProbeOutcome::Refused);
        assert_eq!(host.root("remote-refused").confidence, Confidence::Confirmed);
    }

    #[test]
    fn an_address_of_this_host_is_not_another_host() {
        let at = "127.0.0.1:8080";
        let host = Host::passing_to(at).refused(10, at).probe(at, ProbeOutcome::Refused);
        host.spares("remote-refused");
    }

    #[test]
    fn a_filter_of_this_host_that_rejects_is_the_better_name() {
        Host::passing_to(FAR)
            .refused(10, FAR)
            .probe(FAR, ProbeOutcome::Refused)
            .filter(FirewallVerdict::Reject, FAR)
            .spares("remote-refused");
    }
}
