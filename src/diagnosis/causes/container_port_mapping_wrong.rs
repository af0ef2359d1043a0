//! The published port leads to a port inside the container where nothing listens.

use crate::{
    diagnosis::{Finding, Scene},
    observation::Container,
};

use super::{
    container_inside::{self, Inside, Verdict},
    rule::Rule,
};

pub(super) const RULE: Rule = Rule { cause: "container-port-mapping-wrong", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    container_inside::judge(scene, RULE.cause, verdict)
}

fn verdict(container: &Container, inside: &Inside) -> Option<Verdict> {
    if inside.listens.iter().any(|(_, port)| *port == inside.wanted) {
        return None;
    }
    let outside = inside.listens.iter().find(|(ip, _)| !ip.is_loopback());
    let (_, port) = outside.or(inside.listens.first())?;
    let summary = format!(
        "the port of container {} leads to {} inside, the application listens on {port}",
        container.name, inside.wanted
    );
    let check = format!("docker port {} and its image's documentation", container.name);
    Some(Verdict { summary, check })
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, container, container_id},
        },
        observation::ProbeOutcome,
    };

    const AT: &str = "127.0.0.1:8000";

    fn host() -> Host {
        Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80))
            .listens(AT, 0)
            .probe(AT, ProbeOutcome::ClosedAtOnce)
            .reset(10, AT)
    }

    #[test]
    fn a_published_port_that_leads_nowhere_inside_is_told_with_both_ports() {
        let found =
            host().listens_inside(2, &["0.0.0.0:3000"]).root("container-port-mapping-wrong");
        assert_eq!(found.subject.container, Some((container_id('c'), "shop".into())));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(
            found.summary.contains("80") && found.summary.contains("3000"),
            "{}",
            found.summary
        );
    }

    #[test]
    fn a_mapping_that_meets_a_listener_is_right() {
        host().listens_inside(2, &["0.0.0.0:80"]).spares("container-port-mapping-wrong");
    }

    #[test]
    fn an_ended_container_has_no_wrong_mapping() {
        Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80).exited(1, 60))
            .refused(10, AT)
            .spares("container-port-mapping-wrong");
    }

    #[test]
    fn nothing_is_concluded_from_an_inside_that_cannot_be_seen() {
        host().spares("container-port-mapping-wrong");
    }
}
