//! The upstream closes idle connections that the gateway still wants to use.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::PeerState,
    observation::Origin,
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "keepalive-race", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in
        scene.chains.iter().filter(|c| c.upstream.keepalive > 0 && c.state == PeerState::Up)
    {
        let lines: Vec<_> = scene
            .facts_on(
                chain,
                &["sym-closed-before-header", "sym-reset-before-header", "sym-reset-while-sending"],
            )
            .collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        // A process that is younger than the line died with the request: that is another cause.
        let steady = chain.peers.iter().all(|peer| {
            !peer.processes.is_empty()
                && peer.processes.iter().all(|p| p.started.is_some_and(|at| at < first.at))
        });
        // A kept connection must have served once; where nothing ever succeeds there is no race.
        if !steady || super::hangs_up::always(scene, chain) {
            continue;
        }
        let address = last.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut finding = Finding::new(
            RULE.cause,
            Confidence::Likely,
            format!("{address} closes kept connections just as the gateway uses them again ({} times)", lines.len()),
        )
        .about(scene.subject_of(chain))
        .with_some(Some(Scene::quote(last)))
        .with(
            format!("the gateway keeps up to {} idle connections to it", chain.upstream.keepalive),
            Origin::Config(chain.upstream.place.clone()),
            None,
        )
        .with("the process behind it is older than the failures", Origin::Sockets, None)
        .since(Some(first.at))
        .check("is the application's keep-alive time shorter than keepalive_timeout of the upstream block?");
        finding.current = still_current(scene, chain.gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Confidence, testing::Host};

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn kept_connections_that_a_steady_process_closes_are_likely_the_race() {
        let host = Host::new()
            .upstream_with(AT, |u| u.keepalive = 32)
            .serves("shop.service", AT, 100)
            .closed(10, AT);
        let found = host.root("keepalive-race");
        assert_eq!(found.confidence, Confidence::Likely);
        assert_eq!(found.subject.upstreams.len(), 1);
        assert!(found.explains.contains(&"sym-closed-before-header"));
    }

    #[test]
    fn where_no_request_ever_succeeds_there_is_no_race() {
        let host =
            Host::new().upstream_with(AT, |u| u.keepalive = 1).serves("shop.service", AT, 100);
        let host =
            (0..4).fold(host, |host, n| host.closed(10 + n, AT).answered(10 + n, 502, Some("502")));
        host.spares("keepalive-race");
        let found = host.root("app-exception-no-response");
        assert_eq!(found.confidence, Confidence::Possible);
    }

    #[test]
    fn without_kept_connections_there_is_no_race() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .closed(10, AT)
            .spares("keepalive-race");
    }

    #[test]
    fn a_process_younger_than_the_failure_died_with_the_request() {
        Host::new()
            .upstream_with(AT, |u| u.keepalive = 32)
            .process_since(100, "app", "shop.service", 9)
            .listens(AT, 100)
            .closed(10, AT)
            .spares("keepalive-race");
    }
}
