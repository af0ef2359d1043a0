//! The container behind an upstream ends and is started again, over and over.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{ContainerState, Origin},
};

use super::{
    container_exited::last_words,
    rule::{Rule, about_container},
};

pub(super) const RULE: Rule = Rule { cause: "container-restart-loop", judge };

/// Restarts from which it is a loop.
const LOOP: u64 = 3;
/// A container that has run longer than this is not looping any more, seconds.
const STEADY_SECS: i64 = 120;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .containers()
        .into_iter()
        .filter_map(|backing| {
            let container = backing.who;
            let young = container.started.is_some_and(|at| scene.now().since(at).as_secs() < STEADY_SECS);
            let deaths = scene
                .case
                .container_events
                .iter()
                .filter(|e| e.id == container.id && e.action.raw() == "die" && e.at >= scene.incident.window)
                .count() as u64;
            let restarting = container.state == ContainerState::Restarting;
            let flapping = container.state == ContainerState::Running
                && young
                && container.restarts.max(deaths) >= LOOP;
            if !(restarting || flapping) {
                return None;
            }
            let code = container.exit_code.unwrap_or_default();
            let summary = format!(
                "container {} keeps ending (last exit code {code}) and being restarted, {} times so far",
                container.name,
                container.restarts.max(deaths)
            );
            Some(
                about_container(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .with(
                        format!("RestartCount {}, restart policy {}", container.restarts, container.restart_policy),
                        Origin::Docker(container.id.clone()),
                        container.finished,
                    )
                    .with_some(last_words(scene, container))
                    .check(format!("why does it end? docker logs --tail 20 {}", container.name)),
            )
        })
        .collect()
}
