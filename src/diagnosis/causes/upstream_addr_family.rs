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
                    .since(scene.incident.first)
                    .check(format!("write {} into the configuration", other.listener.address)),
            )
        })
        .collect()
}
