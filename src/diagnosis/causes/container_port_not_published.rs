//! The gateway asks a port of the host that no container has, and a container listens on it only
//! inside its own network.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Chain, Listening},
    observation::{Address, ClaimKind, Container, ContainerState, Origin},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "container-port-not-published", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.down() {
        let Address::Tcp(at) = &peer.address else { continue };
        let nobody = peer.listening == Listening::No
            && peer.local
            && peer.container.is_none()
            && chain.gateway.container.is_none()
            && !peer.candidates.iter().any(|c| c.is_claimed() && c.unit.is_some());
        if !nobody {
            continue;
        }
        if let Some(finding) = published_elsewhere(scene, chain, *at) {
            found.push(finding);
            continue;
        }
        let mut inside =
            scene.case.containers.values().filter_map(|c| Some((c, listens(scene, c, at.port())?)));
        let Some((container, proof)) = inside.next() else { continue };
        let alone = inside.next().is_none();
        let sure = match (alone, proof) {
            (true, Proof::Socket) => Confidence::Confirmed,
            (true, Proof::Claim) => Confidence::Likely,
            (false, _) => Confidence::Possible,
        };
        let summary = format!(
            "container {} listens on port {} inside, and the port is not published: on the host \
             nothing listens there",
            container.name,
            at.port()
        );
        let origin = Origin::Docker(container.id.clone());
        let published: Vec<String> = container
            .ports
            .iter()
            .map(|p| format!("{}:{} to {}", p.host_ip, p.host_port, p.container_port))
            .collect();
        let published = if published.is_empty() { "none".to_owned() } else { published.join(", ") };
        let mut subject = scene.subject_of(chain);
        subject.container = Some((container.id.clone(), container.name.clone()));
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .about(subject)
            .with(format!("published ports: {published}"), origin, None)
            .with(format!("no socket of the host listens on {at}"), Origin::Sockets, None)
            .with_some(scene.symptom(&[chain.index]))
            .since(scene.incident.first)
            .check(format!(
                "publish it when the container is made again: -p 127.0.0.1:{0}:{0} or ports: in Compose",
                at.port()
            ));
        // Another port of the host may lead to it already.
        if let Some(other) = container.ports.iter().find(|p| p.container_port == at.port()) {
            let ip = if other.host_ip.is_unspecified() { at.ip() } else { other.host_ip };
            finding = finding.instead(&Address::Tcp((ip, other.host_port).into()));
        }
        found.push(finding);
    }
    found
}

/// A container that has just this port of the host, on another of its addresses.
fn published_elsewhere<'a>(
    scene: &Scene<'a>,
    chain: &Chain<'a>,
    at: std::net::SocketAddr,
) -> Option<Finding> {
    let running = scene.case.containers.values().filter(|c| c.state == ContainerState::Running);
    let (container, port) =
        running.flat_map(|c| c.ports.iter().map(move |port| (c, port))).find(|(_, port)| {
            port.host_port == at.port()
                && port.host_ip.is_ipv4() == at.is_ipv4()
                && !port.host_ip.is_unspecified()
                && port.host_ip != at.ip()
        })?;
    let other = Address::Tcp((port.host_ip, port.host_port).into());
    let summary =
        format!("container {} is published on {other} only; the gateway asks {at}", container.name);
    let mut subject = scene.subject_of(chain);
    subject.container = Some((container.id.clone(), container.name.clone()));
    Some(
        Finding::new(RULE.cause, Confidence::Confirmed, summary)
            .about(subject)
            .with(
                format!("{other} leads to its port {}", port.container_port),
                Origin::Docker(container.id.clone()),
                None,
            )
            .with(format!("no socket of the host listens on {at}"), Origin::Sockets, None)
            .with_some(scene.symptom(&[chain.index]))
            .since(scene.incident.first)
            .check("which address is meant? Publish it there, or pass to the one it has")
            .instead(&other),
    )
}

/// How it is known that a container listens on a port.
#[derive(Clone, Copy)]
enum Proof {
    Socket,
    Claim,
}

fn listens(scene: &Scene<'_>, container: &Container, port: u16) -> Option<Proof> {
    if container.state != ContainerState::Running || container.host_network {
        return None;
    }
    if let Some(table) = container.netns.and_then(|ns| scene.case.listeners.get(&ns)) {
        let has = table.value.listeners.iter().any(|l| {
            matches!(l.address, Address::Tcp(at) if at.port() == port && !at.ip().is_loopback())
        });
        return has.then_some(Proof::Socket);
    }
    let said = container.claims.iter().any(|c| {
        matches!(c.kind, ClaimKind::Command | ClaimKind::Log | ClaimKind::Binding)
            && c.address.port() == Some(port)
    });
    said.then_some(Proof::Claim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::{Host, container, unit};

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn a_port_that_listens_only_inside_a_container_is_not_published() {
        Host::passing_to(AT)
            .container(container("shop"))
            .listens_inside(2, &["0.0.0.0:8000"])
            .refused(10, AT)
            .incident("container-port-not-published", Confidence::Confirmed, "shop");
    }

    #[test]
    fn a_port_that_is_published_on_another_address_of_the_host_is_told_with_it() {
        let shop = container("shop")
            .publishes(8000, 80)
            .with(|c| c.ports[0].host_ip = "127.0.0.2".parse().unwrap());
        let host =
            Host::passing_to(AT).container(shop).listens("127.0.0.2:8000", 0).refused(10, AT);
        let all = host.diagnose().findings;
        let found = all.iter().find(|f| f.cause == RULE.cause).expect("it is found");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert_eq!(found.instead, Some(crate::diagnosis::testing::address("127.0.0.2:8000")));
    }

    #[test]
    fn one_that_is_published_elsewhere_is_told_with_the_other_port() {
        let host = Host::passing_to(AT)
            .container(container("shop").publishes(8080, 8000))
            .listens_inside(2, &["0.0.0.0:8000"])
            .listens("127.0.0.1:8080", 0)
            .refused(10, AT);
        let all = host.diagnose().findings;
        let found = all.iter().find(|f| f.cause == RULE.cause).expect("it is found");
        assert_eq!(found.instead, Some(crate::diagnosis::testing::address("127.0.0.1:8080")));
    }

    #[test]
    fn a_stopped_service_of_the_host_that_is_to_serve_the_port_is_the_cause() {
        let host = Host::passing_to(AT)
            .container(container("other"))
            .listens_inside(2, &["0.0.0.0:8000"])
            .unit(unit("shop.service").claims(AT).stopped(60))
            .refused(10, AT);
        host.spares("container-port-not-published");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_container_on_another_port_is_none_of_it() {
        Host::passing_to(AT)
            .container(container("other"))
            .listens_inside(2, &["0.0.0.0:5000", "127.0.0.1:8000"])
            .refused(10, AT)
            .spares("container-port-not-published");
    }
}
