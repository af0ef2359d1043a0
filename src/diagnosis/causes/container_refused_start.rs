//! The engine could not start a container, and says why: its port is taken, or its program is not
//! there.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::{Chain, Peer},
    observation::{Container, ContainerState, Origin},
};

use super::rule::Rule;

pub(super) const PORT: Rule = Rule { cause: "container-port-conflict", judge: judge_port };
pub(super) const EXEC: Rule = Rule { cause: "container-exec-missing", judge: judge_exec };

/// Containers that do not run although they were to, with the upstreams that lead to a port which
/// they would have. Who listens there instead does not matter.
fn awaited<'s, 'a>(
    scene: &'s Scene<'a>,
) -> impl Iterator<Item = (&'a Container, Vec<(usize, &'s Chain<'a>, &'s Peer<'a>)>)> {
    let down = |c: &&Container| {
        matches!(
            c.state,
            ContainerState::Created | ContainerState::Exited | ContainerState::Restarting
        )
    };
    scene.case.containers.values().filter(down).map(|container| {
        let mut led = Vec::new();
        for (index, chain) in scene.chains.iter().enumerate() {
            let peer = chain.peers.iter().find(|peer| is_for(chain, peer, container));
            led.extend(
                peer.filter(|_| !chain.upstream.routes.is_empty()).map(|p| (index, chain, p)),
            );
        }
        (container, led)
    })
}

fn is_for(chain: &Chain<'_>, peer: &Peer<'_>, container: &Container) -> bool {
    if peer.container.is_some_and(|c| c.id == container.id) {
        return true;
    }
    let published = peer
        .address
        .port()
        .is_some_and(|port| container.ports.iter().any(|binding| binding.host_port == port));
    published && peer.local && chain.gateway.container.is_none()
}

fn judge_port(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (container, led) in awaited(scene) {
        let error = container.error.raw();
        let taken = error.contains("port is already allocated")
            || error.contains("address already in use")
            || error.contains("Ports are not available");
        if led.is_empty() || !taken {
            continue;
        }
        let holder = led.iter().flat_map(|(_, _, peer)| &peer.processes).next();
        let other = holder.filter(|p| p.name.raw() != "docker-proxy");
        let by = match other {
            Some(process) => format!("process {} ({})", process.pid, process.name),
            None => "another program or container".to_owned(),
        };
        let summary = format!(
            "container {} could not start: the port that it is to have belongs to {by}",
            container.name
        );
        let mut finding = begin(scene, PORT.cause, Confidence::Confirmed, summary, container, &led)
            .check("which one is meant to have the port? ss -ltnp; docker ps");
        if let Some(process) = other {
            finding.subject.pid = Some(process.pid);
            finding = finding.with(
                format!("{} holds it: {}", process.pid, process.command),
                Origin::Process(process.pid),
                process.started,
            );
        }
        found.push(finding);
    }
    found
}

fn judge_exec(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (container, led) in awaited(scene) {
        let error = container.error.raw();
        let said = error.contains("exec")
            && [
                "executable file not found",
                "no such file or directory",
                "permission denied",
                "exec format error",
            ]
            .iter()
            .any(|words| error.contains(words));
        // A shell inside ends with the same codes when it misses a command.
        let by_code = error.is_empty() && matches!(container.exit_code, Some(126 | 127));
        let sure = match (said, by_code) {
            (true, _) => Confidence::Confirmed,
            (false, true) => Confidence::Likely,
            _ => continue,
        };
        if led.is_empty() {
            continue;
        }
        let why = if error.contains("permission denied") || container.exit_code == Some(126) {
            "may not be run"
        } else if error.contains("exec format error") {
            "is made for another kind of processor"
        } else {
            "is not in the image"
        };
        let summary = format!(
            "the program that container {} is to run {why}: {}",
            container.name, container.command
        );
        found.push(
            begin(scene, EXEC.cause, sure, summary, container, &led)
                .with_some(super::container_exited::last_words(scene, container))
                .check(format!(
                    "docker inspect -f '{{{{.Path}}}} {{{{.Args}}}}' {}",
                    container.name
                )),
        );
    }
    found
}

fn begin(
    scene: &Scene<'_>,
    cause: &'static str,
    sure: Confidence,
    summary: String,
    container: &Container,
    led: &[(usize, &Chain<'_>, &Peer<'_>)],
) -> Finding {
    let chains: Vec<usize> = led.iter().map(|(index, _, _)| *index).collect();
    let mut subject = scene.subject(&chains);
    subject.container = Some((container.id.clone(), container.name.clone()));
    let mut finding = Finding::new(cause, sure, summary)
        .about(subject)
        .with_some(scene.symptom(&chains))
        .since(container.finished.or(scene.incident.first));
    let code = container.exit_code.map(|c| format!("exit code {c}")).unwrap_or_default();
    let said = if container.error.is_empty() { code } else { container.error.to_string() };
    finding.evidence.push(Evidence {
        what: said,
        origin: Origin::Docker(container.id.clone()),
        at: container.finished,
    });
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::{Host, container};

    const AT: &str = "127.0.0.1:8000";

    fn refused_start(error: &str, code: i64) -> Host {
        let made = container("shop").publishes(8000, 80).exited(code, 60).with(|c| {
            c.state = ContainerState::Created;
            c.error = error.into();
        });
        Host::passing_to(AT).container(made)
    }

    const TAKEN: &str = "driver failed programming external connectivity on endpoint shop: Bind for 0.0.0.0:8000 failed: port is already allocated";

    #[test]
    fn a_taken_port_is_told_although_its_holder_answers() {
        let host =
            refused_start(TAKEN, 128).process(300, "python3", "other.service").listens(AT, 300);
        let found = host.root("container-port-conflict");
        assert_eq!(found.subject.pid, Some(300));
        host.incident("container-port-conflict", Confidence::Confirmed, "shop");
    }

    #[test]
    fn a_program_that_the_image_lacks_is_told_by_the_engines_words() {
        let error = r#"OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "gunicorm": executable file not found in $PATH: unknown"#;
        let host = refused_start(error, 127).refused(10, AT);
        assert!(host.root("container-exec-missing").explains.contains(&"container-exited"));
        host.incident("container-exec-missing", Confidence::Confirmed, "shop");
    }

    #[test]
    fn the_exit_code_alone_is_likely_and_other_codes_are_the_applications_own() {
        let ended = |code| {
            let gone = container("shop").publishes(8000, 80).exited(code, 60);
            Host::passing_to(AT).container(gone).refused(10, AT)
        };
        assert_eq!(ended(127).root("container-exec-missing").confidence, Confidence::Likely);
        ended(1).spares("container-exec-missing");
    }

    #[test]
    fn a_container_that_no_upstream_leads_to_is_nobodys_trouble() {
        let other = container("batch").publishes(9999, 80).exited(127, 60).with(|c| {
            c.error = TAKEN.into();
        });
        let host = Host::passing_to(AT).serves("shop.service", AT, 100).container(other);
        host.spares("container-port-conflict");
        host.spares("container-exec-missing");
    }
}
