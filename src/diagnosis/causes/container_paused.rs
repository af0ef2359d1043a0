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
        .into_iter()
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
            about_container(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                .with("state paused", Origin::Docker(container.id.clone()), paused)
                .since(paused.or(scene.incident.first))
                .check(format!("docker unpause {}", container.name))
        })
        .collect()
}
