//! The application in the container listens on the container's own loopback only.

use crate::{
    diagnosis::{Finding, Scene},
    observation::Container,
};

use super::{
    container_inside::{self, Inside, Verdict},
    rule::Rule,
};

pub(super) const RULE: Rule = Rule { cause: "container-listens-loopback", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    container_inside::judge(scene, RULE.cause, verdict)
}

fn verdict(container: &Container, inside: &Inside) -> Option<Verdict> {
    let mut on_port = inside.listens.iter().filter(|(_, port)| *port == inside.wanted).peekable();
    on_port.peek()?;
    if container.host_network || !on_port.all(|(ip, _)| ip.is_loopback()) {
        return None;
    }
    let summary = format!(
        "the application in container {} listens on 127.0.0.1:{} inside, where nobody outside \
         reaches it",
        container.name, inside.wanted
    );
    let check = "let the application bind 0.0.0.0 inside the container".to_owned();
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
    fn an_application_on_the_containers_own_loopback_is_told() {
        let found = host().listens_inside(2, &["127.0.0.1:80"]).root("container-listens-loopback");
        assert_eq!(found.subject.container, Some((container_id('c'), "shop".into())));
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn docker_s_own_resolver_inside_is_not_the_application() {
        let host = host().listens_inside(2, &["127.0.0.11:80", "0.0.0.0:80"]);
        host.spares("container-listens-loopback");
    }

    #[test]
    fn another_port_on_the_loopback_is_a_wrong_mapping() {
        let host = host().listens_inside(2, &["127.0.0.1:3000"]);
        host.spares("container-listens-loopback");
        host.root("container-port-mapping-wrong");
    }
}
