//! All workers of Apache are taken.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::PeerState,
    observation::{GatewayKind, Origin},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "apache-max-workers", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways().filter(|g| g.kind == GatewayKind::Apache) {
        let lines: Vec<_> = scene
            .facts(&[RULE.cause])
            .filter(|fact| fact.gateway.as_ref() == Some(&gateway.id))
            .collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        // "within MinSpareThreads" only warns that it is near.
        let reached = lines.iter().any(|fact| {
            fact.text.raw().contains("reached MaxRequestWorkers")
                || fact.text.raw().contains("scoreboard is full")
        });
        let sure = if reached { Confidence::Confirmed } else { Confidence::Likely };
        let word = if reached { "has used up" } else { "is close to using up" };
        let mut finding = Finding::new(
            RULE.cause,
            sure,
            format!("Apache {word} its workers: further clients wait ({} lines)", lines.len()),
        )
        .with_some(Some(Scene::quote(last)))
        .since(Some(first.at))
        .check("which backend do the workers wait for? The server status page tells");
        finding.subject.gateway = Some(gateway.id.clone());
        finding.current = still_current(scene, gateway.loaded, last.at);
        let slow = scene
            .chains
            .iter()
            .filter(|c| c.gateway.id == gateway.id && c.state == PeerState::Strained)
            .take(3);
        for chain in slow {
            finding.evidence.push(Evidence {
                what: format!("{} is strained: {}", chain.upstream.written, chain.reason),
                origin: Origin::Config(chain.upstream.place.clone()),
                at: None,
            });
        }
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Confidence, testing::Host};

    const AT: &str = "127.0.0.1:8000";
    const FULL: &str = "[mpm_event:error] [pid 10:tid 10] AH00484: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting";
    const NEAR: &str = "[mpm_event:error] [pid 10:tid 10] AH10159: server is within MinSpareThreads of MaxRequestWorkers, consider raising the MaxRequestWorkers setting";

    fn apache() -> Host {
        Host::apache().upstream(AT).serves("shop.service", AT, 100)
    }

    #[test]
    fn workers_that_are_all_taken_are_told() {
        apache().apache_said(20, FULL).incident(
            "apache-max-workers",
            Confidence::Confirmed,
            "apache",
        );
    }

    #[test]
    fn being_near_the_limit_is_not_being_at_it() {
        let found = apache().apache_said(20, NEAR).root("apache-max-workers");
        assert_eq!(found.confidence, Confidence::Likely);
    }

    #[test]
    fn the_slow_backend_that_holds_the_workers_is_the_reason() {
        let slow = "[proxy_http:error] [pid 11:tid 11] (70007)The timeout specified has expired: [client 127.0.0.1:4] AH01102: error reading status line from remote server 127.0.0.1:8000";
        let host = apache().apache_said(20, FULL).apache_said(15, slow);
        let found = host.root("proxy-read-timeout");
        assert!(found.explains.contains(&"apache-max-workers"), "{found:?}");
    }
}
