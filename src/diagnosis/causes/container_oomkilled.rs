//! The container behind an upstream was killed at its memory limit.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{ContainerState, Origin, Owner},
};

use super::{
    container_child_oom::took_only_a_child,
    rule::{Rule, about_container},
};

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
        let suffers = (backing.missing || scene.failing_lately(&backing.chains))
            && !took_only_a_child(scene, container);
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
            about_container(scene, backing, RULE.cause, Confidence::Confirmed, summary).since(at);
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

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, container, container_id},
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn a_container_killed_at_its_limit_is_told_with_the_limit() {
        let killed = container("shop").publishes(8000, 80).exited(137, 60).with(|c| {
            c.oom_killed = true;
            c.memory_limit = Some(64 << 20);
        });
        let found =
            Host::passing_to(AT).container(killed).refused(10, AT).root("container-oomkilled");
        assert_eq!(found.subject.container, Some((container_id('c'), "shop".into())));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("64 MiB") && found.explains.contains(&"container-exited"));
    }

    #[test]
    fn exit_code_137_alone_is_any_sigkill() {
        let host = Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80).exited(137, 60))
            .refused(10, AT);
        host.spares("container-oomkilled");
        host.root("container-exited");
    }

    #[test]
    fn the_kernels_line_proves_it_where_docker_s_flag_does_not() {
        let path = format!("/system.slice/docker-{}.scope", container_id('c').as_str());
        Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80).exited(137, 60))
            .kill(&path, 60, true)
            .refused(10, AT)
            .root("container-oomkilled");
    }

    #[test]
    fn a_kill_in_another_container_is_not_this_one_s() {
        let path = format!("/docker/{}", container_id('d').as_str());
        Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80).exited(137, 60))
            .kill(&path, 60, true)
            .refused(10, AT)
            .spares("container-oomkilled");
    }

    #[test]
    fn a_kill_of_last_week_in_a_container_that_runs_again_is_the_past() {
        let path = format!("/docker/{}", container_id('c').as_str());
        Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80))
            .listens(AT, 0)
            .kill(&path, 600_000, true)
            .reset(10, AT)
            .spares("container-oomkilled");
    }
}
