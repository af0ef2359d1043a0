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
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use crate::{
        diagnosis::{Confidence, Status, testing::Host},
        observation::{GatewayKind, ProbeOutcome, ResolutionOutcome},
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

    /// Two addresses behind one name, of which one answers.
    fn two(kind: GatewayKind) -> Host {
        Host::passing_to("localhost:3000")
            .gateway(|g| g.kind = kind)
            .resolves(
                "localhost",
                None,
                ResolutionOutcome::Found(vec![
                    IpAddr::V6(Ipv6Addr::LOCALHOST),
                    IpAddr::V4(Ipv4Addr::LOCALHOST),
                ]),
            )
            .process(100, "node", "shop.service")
            .listens("127.0.0.1:3000", 100)
            .probe("[::1]:3000", ProbeOutcome::Refused)
            .probe("127.0.0.1:3000", ProbeOutcome::Connected)
    }

    #[test]
    fn a_gateway_that_dials_all_addresses_of_a_name_suffers_from_none() {
        for kind in [GatewayKind::Caddy, GatewayKind::Traefik, GatewayKind::Apache] {
            let host = two(kind);
            host.spares("upstream-addr-family");
            let told = host.traffic(1, 200, 10).diagnose();
            assert!(told.findings.is_empty() && told.status == Status::Healthy, "{kind:?}");
        }
    }

    #[test]
    fn a_gateway_that_chooses_one_address_is_judged_by_its_log() {
        for kind in [GatewayKind::Haproxy, GatewayKind::Envoy] {
            two(kind).spares("upstream-addr-family");
            two(kind).refused(10, "[::1]:3000").root("upstream-addr-family");
        }
    }

    #[test]
    fn nginx_makes_a_peer_of_each_address() {
        two(GatewayKind::Nginx).root("upstream-addr-family");
    }

    #[test]
    fn an_application_that_listens_nowhere_has_no_wrong_family() {
        six().spares("upstream-addr-family");
    }
}
