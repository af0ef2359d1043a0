//! The application listens on one address family, the gateway connects over the other.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Listening, Nearness},
    observation::{Address, Origin},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "upstream-addr-family", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .down()
        .filter(|(_, peer)| peer.listening == Listening::No)
        .filter_map(|(chain, peer)| {
            let Address::Tcp(wanted) = peer.address else { return None };
            let other = peer.nearby.iter().find(|near| {
                let Address::Tcp(bound) = near.listener.address else { return false };
                near.nearness == Nearness::SamePort
                    && bound.is_ipv4() != wanted.is_ipv4()
                    && (bound.ip().is_unspecified() || bound.ip().is_loopback())
                    && wanted.ip().is_loopback()
            })?;
            let summary = format!(
                "the gateway connects to {}, the application listens on {} only",
                peer.address, other.listener.address
            );
            Some(
                Finding::new(RULE.cause, Confidence::Confirmed, summary)
                    .about(scene.subject_of(chain))
                    .with(
                        format!("the address is written here: {}", chain.upstream.written),
                        Origin::Config(chain.upstream.place.clone()),
                        None,
                    )
                    .with(format!("no socket listens on {}", peer.address), Origin::Sockets, None)
                    .with(
                        format!("a socket listens on {}", other.listener.address),
                        Origin::Sockets,
                        None,
                    )
                    .instead(&other.listener.address)
                    .since(scene.incident.first)
                    .check(format!("write {} into the configuration", other.listener.address)),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::ProbeOutcome,
    };

    fn six() -> Host {
        Host::passing_to("[::1]:8000")
            .probe("[::1]:8000", ProbeOutcome::Refused)
            .refused(10, "[::1]:8000")
    }

    #[test]
    fn a_gateway_on_one_family_and_a_listener_on_the_other_are_shown() {
        let host = six().process(100, "app", "shop.service").listens("127.0.0.1:8000", 100);
        let found = host.root("upstream-addr-family");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
        host.spares("upstream-port-wrong");
    }

    #[test]
    fn a_socket_for_both_families_takes_either() {
        Host::passing_to("127.0.0.1:8000")
            .process(100, "app", "shop.service")
            .listens_with("[::]:8000", 100, |l| l.v6_only = Some(false))
            .spares("upstream-addr-family");
    }

    #[test]
    fn a_socket_for_ipv6_only_does_not() {
        Host::passing_to("127.0.0.1:8000")
            .process(100, "app", "shop.service")
            .listens_with("[::]:8000", 100, |l| l.v6_only = Some(true))
            .root("upstream-addr-family");
    }

    #[test]
    fn an_application_that_listens_nowhere_has_no_wrong_family() {
        six().spares("upstream-addr-family");
    }
}
