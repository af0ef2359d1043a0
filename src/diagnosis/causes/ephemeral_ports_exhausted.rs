//! No local port is left for another connection to the same backend.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Address, Origin, PortUse},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "ephemeral-ports-exhausted", judge };

/// How long a closed connection keeps its port (`TCP_TIMEWAIT_LEN`), seconds.
const TIME_WAIT_SECS: i64 = 60;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in &scene.chains {
        let lines: Vec<_> = scene.facts_on(chain, &[RULE.cause]).collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        // A family that this host does not have gives the same error for every single connect.
        if last.address.as_ref().is_some_and(|to| has_no_such_family(scene, chain.gateway, to)) {
            continue;
        }
        let ports = scene.case.netns_of(chain.gateway).and_then(|ns| scene.case.ports.get(&ns));
        let fresh = scene.now().since(last.at).as_secs() < TIME_WAIT_SECS;
        let sure = match ports.map(|dated| is_used_up(&dated.value)) {
            Some(true) => Confidence::Confirmed,
            // Closed connections would still hold the ports.
            Some(false) if fresh => Confidence::Possible,
            _ => Confidence::Likely,
        };
        let to = last.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let summary = format!(
            "no local port is left for another connection to {to} ({} times): they are opened and \
             closed faster than their ports come back",
            lines.len()
        );
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .about(scene.subject_of(chain))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at))
            .check("ss -tan state time-wait | wc -l; does the upstream block have keepalive?");
        if let Some(ports) = ports.map(|dated| &dated.value) {
            finding = finding.with(
                format!(
                    "{} connections and {} closed ones that still hold their port; there are {} \
                     local ports",
                    ports.in_use,
                    ports.time_wait,
                    ports.room()
                ),
                Origin::Sockets,
                None,
            );
        }
        if chain.upstream.keepalive == 0 {
            finding = finding.with(
                "the gateway keeps no connection to it open",
                Origin::Config(chain.upstream.place.clone()),
                None,
            );
        }
        finding.current = still_current(scene, None, last.at);
        found.push(finding);
    }
    found
}

/// Whether so many ports are taken that one destination can have all of them.
fn is_used_up(ports: &PortUse) -> bool {
    let taken = u64::from(ports.in_use) + u64::from(ports.time_wait);
    taken * 10 >= u64::from(ports.room()) * 9
}

fn has_no_such_family(
    scene: &Scene<'_>,
    gateway: &crate::observation::Gateway,
    to: &Address,
) -> bool {
    let Address::Tcp(to) = to else { return false };
    let table = scene.case.netns_of(gateway).and_then(|ns| scene.case.listeners.get(&ns));
    table.is_some_and(|table| {
        let local = &table.value.local_addresses;
        !local.is_empty() && !local.iter().any(|ip| ip.is_ipv6() == to.ip().is_ipv6())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::Host,
        observation::{NetNs, Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    fn refused(at: &str, secs: i64) -> Host {
        let line = format!(
            "connect() to {at} failed (99: Cannot assign requested address) while connecting to upstream"
        );
        Host::passing_to(at).serves("shop.service", at, 100).nginx(secs, &line, at)
    }

    fn ports(host: Host, time_wait: u32) -> Host {
        let ports = PortUse {
            netns: NetNs(1),
            first: 32_768,
            last: 60_999,
            in_use: 300,
            time_wait,
            syn_drops: None,
        };
        host.sees(SourceId::Listeners, Seen::Ports(ports))
    }

    #[test]
    fn closed_connections_that_hold_every_port_prove_it() {
        ports(refused(AT, 10), 27_900).incident(
            "ephemeral-ports-exhausted",
            Confidence::Confirmed,
            "8000",
        );
    }

    #[test]
    fn without_the_count_it_is_likely_and_against_a_small_one_hardly_possible() {
        assert_eq!(refused(AT, 10).root(RULE.cause).confidence, Confidence::Likely);
        assert_eq!(ports(refused(AT, 10), 40).root(RULE.cause).confidence, Confidence::Possible);
        assert_eq!(ports(refused(AT, 90), 40).root(RULE.cause).confidence, Confidence::Likely);
    }

    #[test]
    fn an_address_family_that_the_host_lacks_gives_the_same_error() {
        ports(refused("[::1]:8000", 10), 40).spares(RULE.cause);
    }
}
