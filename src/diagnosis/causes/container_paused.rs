//! The container behind an upstream is frozen.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{ContainerState, Origin},
};

use super::rule::{Rule, about_container};

pub(super) const RULE: Rule = Rule { cause: "container-paused", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .containers()
        .iter()
        .filter(|b| b.who.state == ContainerState::Paused)
        .map(|backing| {
            let container = backing.who;
            let paused = scene
                .case
                .container_events
                .iter()
                .rev()
                .find(|e| e.id == container.id && e.action.raw() == "pause")
                .map(|e| e.at);
            let summary = format!(
                "container {} is paused: connects succeed, nothing answers",
                container.name
            );
            about_container(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                .with("state paused", Origin::Docker(container.id.clone()), paused)
                .since(paused.or(scene.incident.first))
                .check(format!("docker unpause {}", container.name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, container, container_id},
        },
        observation::{ContainerState, ProbeOutcome},
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn a_frozen_container_stands_above_the_timeouts_that_it_makes() {
        let host = Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80).with(|c| c.state = ContainerState::Paused))
            .listens(AT, 0)
            .probe(AT, ProbeOutcome::Connected)
            .nginx(10, "upstream timed out (110: Connection timed out) while reading response header from upstream", AT);
        let found = host.root("container-paused");
        assert_eq!(found.subject.container, Some((container_id('c'), "shop".into())));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"proxy-read-timeout"));
    }

    #[test]
    fn a_slow_container_is_not_paused() {
        let host = Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80))
            .listens(AT, 0)
            .nginx(10, "upstream timed out (110: Connection timed out) while reading response header from upstream", AT);
        host.spares("container-paused");
        host.root("proxy-read-timeout");
    }
}
