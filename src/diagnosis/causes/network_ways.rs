//! The kernel of this host has no way to the upstream: no route, or one that says so. One row each.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Address, Origin, ProbeOutcome, RouteOutcome},
};

use super::by_upstream_line::still_current;

/// `EINVAL`: what a connect says to a blackhole route.
const INVALID: i32 = 22;

/// One such cause.
struct Row {
    cause: &'static str,
    /// Lines of the gateway that fit.
    lines: &'static [&'static str],
    /// Routes that prove it.
    routes: &'static [RouteOutcome],
    /// Whether a connect from here ended as the gateway's does.
    probe: fn(&ProbeOutcome) -> bool,
    /// Whether the line alone proves it: its errno has no other source.
    line_proves: bool,
    says: &'static str,
}

static ROWS: [Row; 3] = [
    Row {
        cause: "net-no-route",
        lines: &["net-no-route", "sym-no-route-sync"],
        routes: &[RouteOutcome::None, RouteOutcome::Unreachable],
        probe: |outcome| matches!(outcome, ProbeOutcome::NetworkUnreachable),
        line_proves: true,
        says: "this host has no route to",
    },
    Row {
        cause: "net-route-prohibit",
        lines: &["sym-tcp-eacces"],
        routes: &[RouteOutcome::Prohibited],
        probe: |_| false,
        line_proves: false,
        says: "a route of this host prohibits packets to",
    },
    Row {
        cause: "net-blackhole-route",
        lines: &["net-blackhole-route"],
        routes: &[RouteOutcome::Blackhole],
        probe: |outcome| matches!(outcome, ProbeOutcome::Other(INVALID)),
        line_proves: true,
        says: "a blackhole route of this host swallows packets to",
    },
];

/// Ids of these causes.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.cause)
}

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Address::Tcp(to) = peer.address else { continue };
        let way = scene.case.netns_of(chain.gateway).and_then(|ns| scene.case.ways.get(&ns));
        let route = way.and_then(|way| way.routes.iter().find(|(ip, _)| *ip == to.ip()));
        let probe = peer.probe.map(|probe| &probe.outcome);
        for row in &ROWS {
            let line = scene.facts_on(chain, row.lines).next_back();
            let routed = route.is_some_and(|(_, outcome)| row.routes.contains(outcome));
            let probed = probe.is_some_and(row.probe);
            // A way that is there now was mended since.
            let mended = matches!(probe, Some(ProbeOutcome::Connected | ProbeOutcome::Refused))
                || route.is_some_and(|(_, outcome)| *outcome == RouteOutcome::Found);
            let current = line.is_some_and(|l| still_current(scene, None, l.at)) && !mended;
            if !(routed || probed || line.is_some() && row.line_proves) {
                continue;
            }
            let mut finding =
                Finding::new(row.cause, Confidence::Confirmed, format!("{} {}", row.says, to.ip()))
                    .about(scene.subject_of(chain))
                    .with_some(line.map(Scene::quote))
                    .since(line.map(|l| l.at).or(scene.incident.first))
                    .check(format!("ip route get {}; ip rule", to.ip()));
            if let Some((ip, outcome)) = route.filter(|_| routed) {
                let what = match outcome {
                    RouteOutcome::None => format!("ip route get {ip}: network is unreachable"),
                    other => format!("ip route get {ip}: {}", other.as_str()),
                };
                finding = finding.with(what, Origin::Routes, None);
            }
            if probed {
                let what = format!("a connect to {to} failed at once, before a packet was sent");
                finding = finding.with(what, Origin::Probe, None);
            }
            finding.current = routed || probed || current;
            found.push(finding);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{ProbeOutcome, RouteOutcome},
    };

    const AT: &str = "192.0.2.7:8000";

    fn refused(errno: &str) -> Host {
        let line = format!("connect() to {AT} failed ({errno}) while connecting to upstream");
        Host::passing_to(AT).nginx(10, &line, AT)
    }

    #[test]
    fn an_address_without_a_route_is_told_at_once() {
        let host = refused("101: Network is unreachable")
            .route("192.0.2.7", RouteOutcome::None)
            .probe(AT, ProbeOutcome::NetworkUnreachable);
        host.incident("net-no-route", Confidence::Confirmed, "192.0.2.7");
        refused("113: No route to host")
            .route("192.0.2.7", RouteOutcome::Unreachable)
            .probe(AT, ProbeOutcome::HostUnreachable)
            .root("net-no-route");
    }

    #[test]
    fn a_neighbour_that_does_not_answer_has_a_route() {
        let line = "connect() failed (113: No route to host) while connecting to upstream";
        let host = Host::passing_to(AT)
            .nginx(10, line, AT)
            .route("192.0.2.7", RouteOutcome::Found)
            .probe(AT, ProbeOutcome::TimedOut);
        host.spares("net-no-route");
        host.root("host-down-arp");
    }

    #[test]
    fn a_route_that_prohibits_is_told_from_selinux() {
        let host = refused("13: Permission denied").route("192.0.2.7", RouteOutcome::Prohibited);
        host.incident("net-route-prohibit", Confidence::Confirmed, "192.0.2.7");
        refused("13: Permission denied").spares("net-route-prohibit");
    }

    #[test]
    fn a_blackhole_is_told_by_its_errno_or_its_route() {
        let host = refused("22: Invalid argument").route("192.0.2.7", RouteOutcome::Blackhole);
        host.incident("net-blackhole-route", Confidence::Confirmed, "192.0.2.7");
        Host::passing_to(AT).probe(AT, ProbeOutcome::Other(22)).root("net-blackhole-route");
    }

    #[test]
    fn a_route_that_is_there_again_is_no_present_trouble() {
        let host = refused("101: Network is unreachable")
            .route("192.0.2.7", RouteOutcome::Found)
            .probe(AT, ProbeOutcome::Connected);
        assert!(host.diagnose().findings.iter().all(|f| f.cause != "net-no-route"));
    }
}
