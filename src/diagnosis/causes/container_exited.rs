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
        .iter()
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
                about_container(scene, backing, RULE.cause, Confidence::Confirmed, summary)
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

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, container, container_id, unit},
        },
        observation::{ProbeOutcome, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn the_container_that_published_the_port_has_ended() {
        let host = Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80).exited(1, 60))
            .refused(10, AT);
        let found = host.root("container-exited");
        assert_eq!(found.subject.container, Some((container_id('c'), "shop".into())));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"sym-tcp-refused"));
    }

    #[test]
    fn an_ended_container_on_another_port_has_no_part_in_it() {
        Host::passing_to(AT)
            .container(container("old").publishes(9000, 80).exited(1, 60))
            .unit(unit("shop.service").claims(AT).stopped(60))
            .refused(10, AT)
            .spares("container-exited");
    }

    #[test]
    fn the_container_that_took_over_the_port_counts_and_not_the_old_one() {
        let new = container("new").publishes(8000, 80).with(|c| c.id = container_id('d'));
        Host::passing_to(AT)
            .container(container("old").publishes(8000, 80).exited(0, 600))
            .container(new)
            .listens(AT, 700)
            .probe(AT, ProbeOutcome::Connected)
            .spares("container-exited");
    }

    #[test]
    fn a_unit_that_took_over_the_port_of_an_ended_container_serves_it() {
        let host = Host::passing_to(AT)
            .container(container("old").publishes(8000, 80).exited(0, 600))
            .serves("shop.service", AT, 100)
            .probe(AT, ProbeOutcome::Connected)
            .traffic(1, 200, 10);
        assert_eq!(host.causes(), Vec::<&str>::new());
    }

    #[test]
    fn what_docker_said_before_it_went_out_of_sight_is_only_possible() {
        let host = Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80).exited(1, 60))
            .blind(SourceId::Docker)
            .refused(10, AT);
        assert_eq!(host.root("container-exited").confidence, Confidence::Possible);
    }
}
