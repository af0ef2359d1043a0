//! A container ended and nothing starts it again: its policy gave up, or there is none.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::Backing},
    observation::{Container, ContainerEvent, ContainerState, Origin, Owner, UnitName, Wall},
};

use super::rule::{Rule, about_container};

pub(super) const EXHAUSTED: Rule =
    Rule { cause: "container-restart-exhausted", judge: judge_exhausted };
pub(super) const NO_POLICY: Rule =
    Rule { cause: "container-no-restart-policy", judge: judge_no_policy };

/// After its own start an engine needs so long at most until it has looked at all containers.
const ENGINE_SECS: i64 = 120;

fn ended<'s, 'a>(scene: &'s Scene<'a>) -> impl Iterator<Item = &'s Backing<'a, Container>> {
    scene.containers().iter().filter(|b| b.who.state == ContainerState::Exited)
}

fn judge_exhausted(scene: &Scene<'_>) -> Vec<Finding> {
    let of = |backing: &Backing<'_, Container>| {
        let container = backing.who;
        let most: u64 = container.restart_policy.raw().strip_prefix("on-failure:")?.parse().ok()?;
        if most == 0 || container.restarts < most {
            return None;
        }
        let summary = format!(
            "Docker started container {} again {} times, as often as its policy allows, and gave up",
            container.name, container.restarts
        );
        Some(
            about_container(scene, backing, EXHAUSTED.cause, Confidence::Confirmed, summary)
                .with(state(container), Origin::Docker(container.id.clone()), container.finished)
                .with_some(super::container_exited::last_words(scene, container))
                .since(container.finished.or(scene.incident.first))
                .check(format!("why does it end? docker logs --tail 20 {}", container.name)),
        )
    };
    ended(scene).filter_map(of).collect()
}

fn judge_no_policy(scene: &Scene<'_>) -> Vec<Finding> {
    let of = |backing: &Backing<'_, Container>| {
        let container = backing.who;
        if !matches!(container.restart_policy.raw(), "no" | "") || container.oom_killed {
            return None;
        }
        let (why, sure) = why(scene, container)?;
        let summary = format!(
            "container {} {why}, and without a restart policy nothing starts it again",
            container.name
        );
        Some(
            about_container(scene, backing, NO_POLICY.cause, sure, summary)
                .with(state(container), Origin::Docker(container.id.clone()), container.finished)
                .with_some(super::container_exited::last_words(scene, container))
                .since(container.finished.or(scene.incident.first))
                .check(format!(
                    "start it; then docker update --restart unless-stopped {}",
                    container.name
                )),
        )
    };
    ended(scene).filter_map(of).collect()
}

fn state(container: &Container) -> String {
    let policy = match container.restart_policy.raw() {
        "" | "no" => "none",
        policy => policy,
    };
    format!(
        "exit code {}, restarted {} times, restart policy {policy}",
        container.exit_code.unwrap_or_default(),
        container.restarts
    )
}

/// What ended it from outside, so that only a policy would have brought it back. What ended by
/// itself has a reason of its own, and what a person stopped is meant to stay down.
fn why(scene: &Scene<'_>, container: &Container) -> Option<(&'static str, Confidence)> {
    let finished = container.finished?;
    let boot = booted(scene);
    if container.started.is_some_and(|started| started < boot)
        && finished <= boot.plus_secs(ENGINE_SECS)
    {
        return Some(("ran until this host was booted again", Confidence::Confirmed));
    }
    if engine_started(scene)
        .is_some_and(|at| finished <= at && at <= finished.plus_secs(ENGINE_SECS))
    {
        return Some(("ended when Docker itself was restarted", Confidence::Confirmed));
    }
    // 128 plus a deadly signal that is no polite request (SIGINT, SIGTERM).
    let code = container.exit_code?;
    if !(129..=159).contains(&code) || [130, 143].contains(&code) {
        return None;
    }
    let near =
        |e: &&ContainerEvent| e.id == container.id && e.at.since(finished).as_secs().abs() <= 30;
    let events = || scene.case.container_events.iter().filter(near).map(|e| e.action.raw());
    // The engine's events tell of a stop by hand only where they reach back to the end.
    let heard = events().any(|action| action == "die");
    let asked = events().any(|action| ["kill", "stop", "oom"].contains(&action));
    let owner = Owner::Container(container.id.clone());
    let by_memory = !scene.kills_of(&owner, container.finished).is_empty();
    (heard && !asked && !by_memory)
        .then_some(("was killed by a signal that Docker did not send", Confidence::Confirmed))
}

fn booted(scene: &Scene<'_>) -> Wall {
    if let Some(booted) = scene.case.settings.as_ref().and_then(|settings| settings.booted) {
        return booted;
    }
    let now = scene.case.now;
    now.wall.minus_secs(i64::try_from(now.boot.0 / 1_000_000).unwrap_or(i64::MAX))
}

fn engine_started(scene: &Scene<'_>) -> Option<Wall> {
    let name = UnitName::new("docker.service").ok()?;
    scene.case.units.get(&name).filter(|unit| unit.is_up())?.exec_start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, ago, container, container_id, unit},
        observation::{Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    fn ended_by(code: i64, change: impl FnOnce(&mut Container)) -> Host {
        let gone = container("shop").publishes(8000, 80).exited(code, 60).with(change);
        Host::passing_to(AT).container(gone).refused(10, AT)
    }

    #[test]
    fn a_policy_that_gave_up_is_told_with_its_count() {
        let host = ended_by(1, |c| {
            c.restart_policy = "on-failure:3".into();
            c.restarts = 3;
        });
        assert!(host.root("container-restart-exhausted").explains.contains(&"container-exited"));
        host.incident("container-restart-exhausted", Confidence::Confirmed, "shop");
        ended_by(1, |c| c.restart_policy = "on-failure:3".into())
            .spares("container-restart-exhausted");
    }

    #[test]
    fn a_container_that_a_reboot_ended_stays_down_without_a_policy() {
        // The tests' host has been up for 25 hours.
        let host = ended_by(255, |c| {
            c.started = Some(ago(200_000));
            c.finished = Some(ago(89_990));
        });
        host.incident("container-no-restart-policy", Confidence::Confirmed, "shop");
    }

    #[test]
    fn so_does_one_that_ended_with_the_engine() {
        let docker = unit("docker.service").up_since(58);
        ended_by(0, |_| {}).unit(docker).root("container-no-restart-policy");
    }

    #[test]
    fn what_a_person_stopped_and_what_ended_by_itself_is_no_matter_of_policy() {
        happened(happened(ended_by(137, |_| {}), "kill"), "die").root("container-exited");
        for code in [0, 1, 78, 130, 137, 143] {
            ended_by(code, |_| {}).root("container-exited");
        }
        for code in [0, 1, 78, 130, 143] {
            happened(ended_by(code, |_| {}), "die").root("container-exited");
        }
        let always = ended_by(137, |c| c.restart_policy = "always".into());
        happened(always, "die").root("container-exited");
    }

    fn happened(host: Host, action: &str) -> Host {
        let event = ContainerEvent {
            id: container_id('c'),
            name: "shop".into(),
            action: action.into(),
            exit_code: None,
            at: ago(60),
        };
        host.sees(SourceId::Docker, Seen::ContainerEvent(event))
    }

    #[test]
    fn a_kill_that_docker_did_not_send_is() {
        let host = happened(ended_by(137, |_| {}), "die");
        assert_eq!(host.root("container-no-restart-policy").confidence, Confidence::Confirmed);
        happened(ended_by(137, |c| c.oom_killed = true), "die").root("container-oomkilled");
    }
}
