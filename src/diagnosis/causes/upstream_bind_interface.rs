//! The application listens on the loopback only, the gateway connects to another own address.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Listening, Nearness},
    observation::{Address, Origin},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "upstream-bind-interface", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .down()
        .filter(|(_, peer)| peer.listening == Listening::No && peer.container.is_none())
        .filter_map(|(chain, peer)| {
            let Address::Tcp(wanted) = peer.address else { return None };
            let other = peer.nearby.iter().find(|near| {
                let Address::Tcp(bound) = near.listener.address else { return false };
                near.nearness == Nearness::SamePort
                    && bound.is_ipv4() == wanted.is_ipv4()
                    && bound.ip() != wanted.ip()
            })?;
            let summary = format!(
                "the gateway connects to {}, the application listens on {} only",
                peer.address, other.listener.address
            );
            Some(
                Finding::new(RULE.cause, Confidence::Confirmed, summary)
                    .about(scene.subject_of(chain))
                    .with(format!("no socket listens on {}", peer.address), Origin::Sockets, None)
                    .with(
                        format!("a socket listens on {}", other.listener.address),
                        Origin::Sockets,
                        None,
                    )
                    .instead(&other.listener.address)
                    .since(scene.incident.first),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, unit},
    };

    const AT: &str = "10.0.0.5:8000";

    #[test]
    fn a_listener_on_the_loopback_does_not_hear_the_interface() {
        let host = Host::passing_to(AT)
            .process(100, "app", "shop.service")
            .listens("127.0.0.1:8000", 100)
            .refused(10, AT);
        let found = host.root("upstream-bind-interface");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_listener_on_every_address_hears_it() {
        Host::passing_to(AT)
            .process(100, "app", "shop.service")
            .listens("0.0.0.0:8000", 100)
            .refused(10, AT)
            .spares("upstream-bind-interface");
    }

    #[test]
    fn a_stopped_application_is_bound_to_nothing() {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).stopped(60))
            .refused(10, AT)
            .spares("upstream-bind-interface");
    }
}
