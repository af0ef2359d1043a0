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
