//! The container's own health check fails, and so do requests to it.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{ContainerState, Health, Origin},
};

use super::rule::{Rule, about_container};

pub(super) const RULE: Rule = Rule { cause: "container-unhealthy", judge };

/// Most of the output of a check that is shown, in characters.
const SHOWN: usize = 240;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .containers()
        .iter()
        .filter(|b| b.who.state == ContainerState::Running && b.who.health == Health::Unhealthy)
        .filter_map(|backing| {
            let container = backing.who;
            let fails = backing.missing
                || scene.failing_lately(&backing.chains)
                || passed(scene, &backing.chains);
            if !fails {
                return None;
            }
            let summary = format!(
                "container {} runs, and its own health check says that it does not work",
                container.name
            );
            let output: String = container.health_output.to_string().chars().take(SHOWN).collect();
            let at = scene
                .case
                .container_events
                .iter()
                .rev()
                .find(|e| e.id == container.id && e.action.raw().contains("unhealthy"));
            let words = if output.is_empty() {
                "health: unhealthy".to_owned()
            } else {
                format!("health: unhealthy; the check says: {output}")
            };
            Some(
                about_container(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .with(words, Origin::Docker(container.id.clone()), at.map(|e| e.at))
                    .with_some(super::container_exited::last_words(scene, container))
                    .since(at.map(|e| e.at).or(scene.incident.first))
                    .check(format!(
                        "docker inspect -f '{{{{json .State.Health.Log}}}}' {}",
                        container.name
                    )),
            )
        })
        .collect()
}

/// Whether the gateway passed on errors that only these upstreams can have sent.
fn passed(scene: &Scene<'_>, chains: &[usize]) -> bool {
    use super::upstream_sent_5xx::{senders, was_passed};
    let own: Vec<_> = chains.iter().filter_map(|i| scene.chains.get(*i)).collect();
    let mut entries = scene.case.access.entries.iter().filter(|e| e.at >= scene.incident.window);
    entries.any(|entry| {
        entry.status >= 500
            && own.iter().any(|c| c.gateway.id == entry.gateway)
            && was_passed(scene, entry)
            && senders(scene, entry)
                .iter()
                .all(|s| own.iter().any(|c| c.upstream.id == s.upstream.id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::{Host, container};

    const AT: &str = "127.0.0.1:8000";
    const LATE: &str = "upstream timed out (110: Connection timed out) while reading response header from upstream";

    fn sick() -> Host {
        Host::passing_to(AT)
            .container(container("shop").publishes(8000, 80).with(|c| {
                c.health = Health::Unhealthy;
                c.health_output = "curl: (28) Operation timed out".into();
            }))
            .listens(AT, 0)
    }

    #[test]
    fn a_failing_check_beside_failing_requests_is_told_with_its_words() {
        let host = sick().nginx(10, LATE, AT);
        let found = host.root("container-unhealthy");
        assert!(found.explains.contains(&"proxy-read-timeout"));
        assert!(found.evidence.iter().any(|e| e.what.contains("curl: (28)")));
        host.incident("container-unhealthy", Confidence::Confirmed, "shop");
    }

    #[test]
    fn a_failing_check_of_a_container_that_answers_everybody_is_a_wrong_check() {
        sick().spares("container-unhealthy");
    }
}
