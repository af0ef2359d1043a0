//! The gateway has set every peer of a group aside and waits for `fail_timeout`.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::PeerState,
    observation::Origin,
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "upstream-all-banned", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut groups: Vec<(&crate::observation::GatewayId, &crate::observation::Text)> = scene
        .chains
        .iter()
        .filter_map(|c| c.upstream.group.as_ref().map(|g| (&c.gateway.id, g)))
        .collect();
    groups.dedup();
    for (gateway, group) in groups {
        let members: Vec<usize> = scene
            .chains
            .iter()
            .enumerate()
            .filter(|(_, c)| c.gateway.id == *gateway && c.upstream.group.as_ref() == Some(group))
            .map(|(i, _)| i)
            .collect();
        let peers: usize =
            members.iter().filter_map(|i| scene.chains.get(*i)).map(|c| c.peers.len().max(1)).sum();
        let all_up =
            members.iter().filter_map(|i| scene.chains.get(*i)).all(|c| c.state == PeerState::Up);
        if peers < 2 || !all_up {
            continue;
        }
        let line = scene.facts(&["upstream-all-banned"]).rfind(|f| {
            f.gateway.as_ref() == Some(gateway) && f.text.raw().contains(&format!("//{group}"))
        });
        let Some(line) = line else { continue };
        let pause = members
            .iter()
            .filter_map(|i| scene.chains.get(*i))
            .map(|c| c.upstream.params.fail_timeout_secs)
            .max()
            .unwrap_or(10);
        let left = i64::try_from(pause).unwrap_or(10) - scene.now().since(line.at).as_secs();
        let mut finding = Finding::new(
            RULE.cause,
            Confidence::Confirmed,
            format!("all {peers} peers of {group} answer again, but the gateway set them aside for {pause} s after their failures"),
        )
        .about(scene.subject(&members))
        .with_some(Some(Scene::quote(line)))
        .with("every peer answers a connect now", Origin::Probe, None)
        .since(Some(line.at))
        .check("wait for fail_timeout, or reload the gateway; the application needs nothing");
        finding.current = left > -5;
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, unit},
    };

    const A: &str = "127.0.0.1:8000";
    const B: &str = "127.0.0.1:8001";

    fn line(host: Host, secs: i64) -> Host {
        host.nginx(secs, "no live upstreams while connecting to upstream", "pool")
    }

    fn pair() -> Host {
        Host::new().group("pool", &[A, B]).serves("a.service", A, 100).serves("b.service", B, 200)
    }

    #[test]
    fn peers_that_answer_again_are_still_set_aside_for_some_seconds() {
        let found = line(pair(), 3).root("upstream-all-banned");
        assert_eq!(found.subject.upstreams.len(), 2);
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn after_the_pause_it_is_over() {
        let diagnosis = line(pair(), 120).diagnose();
        assert!(!diagnosis.findings.iter().any(|f| f.cause == "upstream-all-banned"));
    }

    #[test]
    fn peers_that_are_down_are_the_cause_and_not_the_ban() {
        let host = Host::new()
            .group("pool", &[A, B])
            .unit(unit("a.service").claims(A).claims(B).stopped(60));
        let host = line(host.refused(5, A).refused(5, B), 3);
        host.spares("upstream-all-banned");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_single_peer_is_never_set_aside() {
        let host = Host::new().group("pool", &[A]).serves("a.service", A, 100);
        line(host, 3).spares("upstream-all-banned");
    }
}
