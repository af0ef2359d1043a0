//! Small packets pass and large ones vanish: connects succeed, and connections stand still with bytes
//! that the other side never acknowledges.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Address, Origin, ProbeOutcome},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "mtu-blackhole", judge };

/// Bytes of a packet that is large: a connect and a short request fit into less.
const LARGE: u32 = 1_000;
/// So often was it sent again: a packet that was merely lost arrives the second time.
const LEAST: u32 = 4;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    const WAITS: [&str; 4] = [
        "proxy-read-timeout",
        "proxy-send-timeout",
        "response-truncated",
        "tcp-retransmit-timeout",
    ];
    let mut found = Vec::new();
    for (chain, peer) in scene.peers().filter(|(_, peer)| !peer.local) {
        let Address::Tcp(to) = peer.address else { continue };
        let connects = peer.probe.is_some_and(|p| p.outcome == ProbeOutcome::Connected);
        let line = scene.facts_on(chain, &WAITS).next_back();
        let way = scene.case.netns_of(chain.gateway).and_then(|ns| scene.case.ways.get(&ns));
        let stalled: Vec<_> = way
            .into_iter()
            .flat_map(|way| &way.stalled)
            .filter(|s| s.to == to && s.bytes >= LARGE && s.retransmits >= LEAST)
            .collect();
        let (true, Some(worst), Some(line)) = (connects, stalled.first(), line) else { continue };
        found.push(
            Finding::new(
                RULE.cause,
                Confidence::Likely,
                format!("large packets to {} vanish on the way while small ones arrive", to.ip()),
            )
            .about(scene.subject_of(chain))
            .with_some(Some(Scene::quote(line)))
            .with(
                format!(
                    "{} connections stand still, one with {} bytes sent {} times",
                    stalled.len(),
                    worst.bytes,
                    worst.retransmits + 1
                ),
                Origin::Sockets,
                None,
            )
            .with(format!("a connect to {to} succeeds"), Origin::Probe, None)
            .since(Some(line.at))
            .check(format!("ping -M do -s 1472 {}; tracepath {0}", to.ip())),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{NetNs, ProbeOutcome, Seen, SourceId, Stalled, Ways},
    };

    const AT: &str = "192.0.2.7:8000";
    const WAITED: &str = "upstream timed out (110: Connection timed out) while reading response header from upstream";

    fn host(bytes: u32, retransmits: u32) -> Host {
        let stalled = vec![Stalled { to: AT.parse().expect("an address"), bytes, retransmits }];
        let ways = Ways { netns: NetNs(1), routes: Vec::new(), stalled };
        Host::passing_to(AT)
            .probe(AT, ProbeOutcome::Connected)
            .sees(SourceId::Settings, Seen::Ways(ways))
    }

    #[test]
    fn large_packets_that_nobody_acknowledges_beside_connects_that_succeed() {
        let host = host(2_896, 7).nginx(10, WAITED, AT);
        host.incident("mtu-blackhole", Confidence::Likely, "192.0.2.7");
        assert!(host.root("mtu-blackhole").explains.contains(&"proxy-read-timeout"));
    }

    #[test]
    fn a_packet_that_was_lost_once_or_is_small_proves_nothing() {
        host(2_896, 2).nginx(10, WAITED, AT).spares("mtu-blackhole");
        host(300, 9).nginx(10, WAITED, AT).spares("mtu-blackhole");
        host(2_896, 9).spares("mtu-blackhole");
    }
}
