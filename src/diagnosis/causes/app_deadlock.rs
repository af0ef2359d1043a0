//! Every worker of an application waits and none of them works: it accepts nothing more, and uses no
//! processor. What it waits for is out of sight, so this is never more than possible.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::PeerState,
    observation::{Origin, RunState, SourceId},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "app-deadlock", judge };

/// So many requests must have waited in vain.
const LEAST: usize = 3;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Some(listener) = peer.listener.filter(|l| l.queue.is_some_and(|queue| queue > 0))
        else {
            continue;
        };
        let awake = !peer.processes.is_empty()
            && peer.processes.iter().all(|p| p.state == RunState::Normal);
        let busy = scene.case.cpu.as_ref().is_some_and(|cpu| cpu.value.busy > 0.5);
        let waits = scene.facts_on(chain, &["proxy-read-timeout"]).count();
        let answers = scene
            .case
            .access
            .entries
            .iter()
            .any(|entry| entry.status < 500 && entry.at >= scene.now().minus_secs(60));
        if !awake || busy || waits < LEAST || answers || peer.state == PeerState::Down {
            continue;
        }
        let Some(process) = peer.processes.first() else { continue };
        let line = scene.facts_on(chain, &["proxy-read-timeout"]).next_back();
        let mut finding = Finding::new(
            RULE.cause,
            Confidence::Possible,
            format!(
                "{} takes no more connections and the processors idle: its workers may all wait for the same thing",
                peer.unit.map_or_else(|| process.name.to_string(), |unit| unit.name.to_string())
            ),
        )
        .about(scene.subject_of(chain))
        .with_some(line.map(Scene::quote))
        .with(
            format!("{} connections wait to be accepted at {}", listener.queue.unwrap_or_default(), peer.address),
            Origin::Sockets,
            None,
        )
        .unseen("what its workers wait for", SourceId::Processes)
        .since(line.map(|l| l.at).or(scene.incident.first))
        .check(format!("cat /proc/{}/stack /proc/{0}/wchan; or py-spy dump, jstack, gdb", process.pid));
        finding.subject.pid = Some(process.pid);
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, unit},
        },
        observation::RunState,
    };

    const AT: &str = "127.0.0.1:8000";
    const WAITED: &str = "upstream timed out (110: Connection timed out) while reading response header from upstream";

    fn host(queue: u32) -> Host {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT))
            .process(100, "gunicorn", "shop.service")
            .listens_with(AT, 100, |l| l.queue = Some(queue))
    }

    fn waiting(host: Host) -> Host {
        host.nginx(90, WAITED, AT).nginx(50, WAITED, AT).nginx(10, WAITED, AT)
    }

    #[test]
    fn a_queue_that_nobody_serves_beside_idle_processors_is_a_possible_deadlock() {
        let diagnosis = waiting(host(7)).diagnose();
        let found = diagnosis.findings.iter().find(|f| f.cause == "app-deadlock").expect("it");
        assert_eq!(found.confidence, Confidence::Possible);
        assert!(!found.missing.is_empty());
        waiting(host(7)).incident_of(
            "app-deadlock",
            "proxy-read-timeout",
            Confidence::Confirmed,
            r"shop\.service",
        );
    }

    #[test]
    fn an_application_that_still_takes_connections_is_only_slow() {
        waiting(host(0)).spares("app-deadlock");
        host(7).nginx(10, WAITED, AT).spares("app-deadlock");
    }

    #[test]
    fn a_stopped_process_is_frozen_and_not_in_a_deadlock() {
        let mut frozen = host(7);
        frozen.processes.iter_mut().for_each(|p| p.state = RunState::Stopped);
        waiting(frozen).spares("app-deadlock");
    }
}
