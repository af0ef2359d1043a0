//! The container behind an upstream has ended.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::{Container, ContainerState, Origin},
};

use super::rule::{Rule, about_container};

pub(super) const RULE: Rule = Rule { cause: "container-exited", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .containers()
        .into_iter()
        .filter(|b| matches!(b.who.state, ContainerState::Exited | ContainerState::Created))
        .map(|backing| {
            let container = backing.who;
            let code = container.exit_code.unwrap_or_default();
            let summary = match container.state {
                ContainerState::Created => {
                    format!("container {} was made and never started", container.name)
                }
                _ => format!(
                    "container {} ended with exit code {code} and is not running",
                    container.name
                ),
            };
            let origin = Origin::Docker(container.id.clone());
            let mut finding =
                about_container(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .with(
                        format!(
                            "state exited, exit code {code}, restart policy {}",
                            container.restart_policy
                        ),
                        origin.clone(),
                        container.finished,
                    )
                    .with_some(last_words(scene, container))
                    .since(container.finished.or(scene.incident.first))
                    .check(format!(
                        "what did it say last? docker logs --tail 20 {}",
                        container.name
                    ));
            if !container.error.is_empty() {
                finding = finding.with(container.error.to_string(), origin, None);
            }
            finding
        })
        .collect()
}

/// The last line of a container's own log.
pub(super) fn last_words(scene: &Scene<'_>, container: &Container) -> Option<Evidence> {
    let origin = Origin::ContainerLog(container.id.clone());
    let line = scene.case.logs.tails.get(&origin)?.last()?;
    Some(Evidence {
        what: format!(
            "its last line: {}",
            line.text.to_string().chars().take(240).collect::<String>()
        ),
        origin,
        at: Some(line.at),
    })
}
