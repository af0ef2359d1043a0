//! The kernel killed a process inside a container at its memory limit, and the container lives on.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Container, ContainerEvent, ContainerState, KernelKill, Origin, Owner, Wall},
};

use super::rule::{Rule, about_container};

pub(super) const RULE: Rule = Rule { cause: "container-child-oom", judge };

/// What killed a child, and when.
struct Kill<'a> {
    kernel: Option<&'a KernelKill>,
    event: Option<&'a ContainerEvent>,
    at: Wall,
}

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.containers() {
        let container = backing.who;
        let Some(kill) = child_kill(scene, container) else { continue };
        if !backing.missing && !scene.failing_lately(&backing.chains) {
            continue;
        }
        let limit =
            container.memory_limit.map(|m| format!(" of {} MiB", m >> 20)).unwrap_or_default();
        let summary = format!(
            "a process inside container {} was killed at its memory limit{limit}; the container \
             itself runs on",
            container.name
        );
        let mut finding =
            about_container(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                .since(Some(kill.at))
                .check(format!(
                    "docker stats {}: how near is it to its limit? which worker is so large?",
                    container.name
                ));
        if let Some(event) = kill.event {
            let origin = Origin::Docker(container.id.clone());
            finding = finding.with("Docker's event: oom", origin, Some(event.at));
        }
        if let Some(kernel) = kill.kernel {
            finding = finding.with(kernel.text.to_string(), Origin::KernelLog, Some(kernel.at));
        }
        let origin = Origin::Docker(container.id.clone());
        finding = finding.with("it has been running since before that", origin, container.started);
        found.push(finding);
    }
    found
}

/// A kill within the incident of a process that was not the container's main one: that one has been
/// running since before.
fn child_kill<'a>(scene: &Scene<'a>, container: &Container) -> Option<Kill<'a>> {
    if container.state != ContainerState::Running {
        return None;
    }
    let kernel = scene.kills_of(&Owner::Container(container.id.clone()), None).last().copied();
    let event =
        scene.case.container_events.iter().rev().find(|e| {
            e.id == container.id && e.action.raw() == "oom" && e.at >= scene.incident.window
        });
    let at = kernel.map(|k| k.at).max(event.map(|e| e.at))?;
    let survived = container.started.is_some_and(|started| started < at.minus_secs(1));
    survived.then_some(Kill { kernel, event, at })
}

/// Whether the memory kill that was seen of a container took only a child of it.
pub(super) fn took_only_a_child(scene: &Scene<'_>, container: &Container) -> bool {
    child_kill(scene, container).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::{Host, ago, container};

    const AT: &str = "127.0.0.1:8000";

    fn killed(started: i64) -> Host {
        Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80).with(|c| {
                c.started = Some(ago(started));
                c.memory_limit = Some(64 << 20);
            }))
            .listens(AT, 0)
            .kill(&format!("/docker/{}", "c".repeat(64)), 20, true)
            .reset(19, AT)
    }

    #[test]
    fn a_container_that_outlived_the_kill_lost_a_child() {
        let host = killed(900);
        host.spares("container-oomkilled");
        host.incident("container-child-oom", Confidence::Confirmed, "shop");
    }

    #[test]
    fn one_that_was_started_again_since_was_killed_itself() {
        let host = killed(15);
        host.spares("container-child-oom");
        host.root("container-oomkilled");
    }
}
