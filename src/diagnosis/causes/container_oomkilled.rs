//! The container behind an upstream was killed at its memory limit.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{ContainerState, Origin, Owner},
};

use super::rule::{Rule, about_container};

pub(super) const RULE: Rule = Rule { cause: "container-oomkilled", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.containers() {
        let container = backing.who;
        let owner = Owner::Container(container.id.clone());
        let down = container.state != ContainerState::Running;
        let kills = scene.kills_of(&owner, container.finished.filter(|_| down));
        let event = scene.case.container_events.iter().rev().find(|e| {
            e.id == container.id && e.action.raw() == "oom" && e.at >= scene.incident.window
        });
        let flagged = container.oom_killed && down;
        let suffers = backing.missing || scene.failing_lately(&backing.chains);
        if !suffers || !(flagged || event.is_some() || !kills.is_empty()) {
            continue;
        }
        let limit =
            container.memory_limit.map(|m| format!(" of {} MiB", m >> 20)).unwrap_or_default();
        let tail = if down { "it is not running" } else { "it runs again" };
        let summary =
            format!("container {} was killed at its memory limit{limit}; {tail}", container.name);
        let at = kills.last().map(|k| k.at).or(container.finished).or(event.map(|e| e.at));
        let mut finding =
            about_container(scene, &backing, RULE.cause, Confidence::Confirmed, summary).since(at);
        let origin = Origin::Docker(container.id.clone());
        if flagged {
            finding = finding.with(
                format!("OOMKilled=true, exit code {}", container.exit_code.unwrap_or_default()),
                origin.clone(),
                container.finished,
            );
        }
        if let Some(event) = event {
            finding = finding.with("Docker's event: oom", origin, Some(event.at));
        }
        if let Some(kill) = kills.last() {
            finding = finding.with(kill.text.to_string(), Origin::KernelLog, Some(kill.at));
        }
        found.push(finding.check(format!(
            "docker inspect {} shows the limit; is it a leak or too small a limit?",
            container.name
        )));
    }
    found
}
