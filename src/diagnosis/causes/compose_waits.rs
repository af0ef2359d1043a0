//! A container of Compose that was never started, because another one that it waits for is not well.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Container, ContainerState, Health, Origin, Text},
};

use super::rule::about_container;

const CAUSE: &str = "container-unhealthy";

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .containers()
        .iter()
        .filter(|b| b.who.state == ContainerState::Created && !b.who.depends_on.is_empty())
        .filter_map(|backing| {
            let container = backing.who;
            let (needed, condition) = container
                .depends_on
                .iter()
                .filter_map(|(service, what)| Some((needed(scene, container, service)?, what)))
                .find(|(needed, what)| is_short_of(needed, what))?;
            let summary = format!(
                "container {} waits for {}, which {}: Compose has not started it",
                container.name,
                needed.name,
                words(needed)
            );
            let mut finding =
                about_container(scene, backing, CAUSE, Confidence::Confirmed, summary)
                    .with(
                        format!("it depends on {} ({condition})", needed.name),
                        Origin::Docker(container.id.clone()),
                        None,
                    )
                    .with(
                        format!("{} {}", needed.name, words(needed)),
                        Origin::Docker(needed.id.clone()),
                        needed.finished,
                    )
                    .check(format!("why is it so? docker logs --tail 20 {}", needed.name));
            if !needed.health_output.is_empty() {
                let said = format!("its health check says: {}", needed.health_output);
                finding = finding.with(said, Origin::Docker(needed.id.clone()), None);
            }
            Some(finding)
        })
        .collect()
}

/// The container of another service of the same project.
fn needed<'a>(scene: &Scene<'a>, of: &Container, service: &Text) -> Option<&'a Container> {
    let (project, _) = of.compose.as_ref()?;
    let mut all = scene.case.containers.values();
    all.find(|c| c.compose.as_ref().is_some_and(|(p, s)| p == project && s == service))
}

/// Whether a container is not yet what another one waits for.
fn is_short_of(container: &Container, condition: &Text) -> bool {
    match condition.raw() {
        "service_healthy" => container.health != Health::Healthy,
        "service_completed_successfully" => {
            container.state != ContainerState::Exited || container.exit_code != Some(0)
        }
        _ => container.state != ContainerState::Running,
    }
}

fn words(container: &Container) -> &'static str {
    match (container.state, container.health) {
        (ContainerState::Running, Health::Unhealthy) => "is unhealthy",
        (ContainerState::Running, Health::Starting) => "is not healthy yet",
        (ContainerState::Running, _) => "still runs",
        (ContainerState::Exited, _) => "has ended",
        (ContainerState::Created, _) => "was not started itself",
        (ContainerState::Restarting, _) => "keeps restarting",
        (ContainerState::Paused, _) => "is paused",
        _ => "does not run",
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, container, container_id},
        },
        observation::{ContainerState, Health},
    };

    const AT: &str = "127.0.0.1:8000";

    fn waiting(health: Health) -> Host {
        let web = container("shop-web-1").publishes(8000, 80).with(|c| {
            c.state = ContainerState::Created;
            c.ips.clear();
            c.netns = None;
            c.compose = Some(("shop".into(), "web".into()));
            c.depends_on = vec![("db".into(), "service_healthy".into())];
        });
        let db = container("shop-db-1").with(|c| {
            c.id = container_id('d');
            c.health = health;
            c.compose = Some(("shop".into(), "db".into()));
        });
        Host::passing_to(AT).container(web).container(db).refused(10, AT)
    }

    #[test]
    fn a_container_that_waits_for_an_unhealthy_one_is_told_with_that_one() {
        let host = waiting(Health::Unhealthy);
        let found = host.root("container-unhealthy");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("waits for shop-db-1"), "{}", found.summary);
        assert!(found.explains.contains(&"container-exited"), "{:?}", found.explains);
        host.incident_of(
            "compose-waits",
            "container-unhealthy",
            Confidence::Confirmed,
            "shop-web-1",
        );
    }

    #[test]
    fn one_whose_dependency_is_well_waits_for_something_else() {
        waiting(Health::Healthy).root("container-exited");
    }
}
