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
        .iter()
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
                about_container(scene, backing, RULE.cause, Confidence::Confirmed, summary)
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

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago, container, container_id},
        },
        observation::ContainerState,
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn a_container_that_docker_restarts_again_and_again_loops() {
        let looping = container("shop").publishes(8000, 80).exited(1, 3).with(|c| {
            c.state = ContainerState::Restarting;
            c.restarts = 7;
            c.restart_policy = "always".into();
        });
        let found =
            Host::passing_to(AT).container(looping).refused(10, AT).root("container-restart-loop");
        assert_eq!(found.subject.container, Some((container_id('c'), "shop".into())));
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_container_that_was_restarted_often_and_holds_now_does_not_loop() {
        let steady = container("shop").publishes(8000, 80).with(|c| {
            c.restarts = 7;
            c.started = Some(ago(3_600));
        });
        Host::passing_to(AT).container(steady).listens(AT, 0).spares("container-restart-loop");
    }

    #[test]
    fn a_container_that_was_started_once_does_not_loop() {
        let young = container("shop").publishes(8000, 80).with(|c| c.started = Some(ago(5)));
        Host::passing_to(AT).container(young).listens(AT, 0).spares("container-restart-loop");
    }
}
