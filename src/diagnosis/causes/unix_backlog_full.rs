//! The accept queue of a unix socket is full.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::Origin,
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "unix-backlog-full", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers().filter(|(_, p)| p.address.path().is_some()) {
        let line = scene.facts_on(chain, &["unix-backlog-full"]).next_back();
        let full = peer.queue_full();
        if line.is_none() && !full {
            continue;
        }
        let mut finding = Finding::new(
            RULE.cause,
            Confidence::Confirmed,
            format!("the accept queue of {} is full: its workers do not keep up", peer.address),
        )
        .about(scene.subject_of(chain))
        .with_some(line.map(Scene::quote))
        .since(line.map(|f| f.at).or(scene.incident.first))
        .check("why are all workers busy? a longer queue only makes everybody wait longer");
        finding.current =
            full || line.is_some_and(|f| super::by_upstream_line::still_current(scene, None, f.at));
        if let Some((queue, backlog)) = peer.listener.and_then(|l| l.queue.zip(l.backlog)) {
            finding = finding.with(
                format!("{queue} connections wait, the limit is {backlog}"),
                Origin::Sockets,
                None,
            );
        }
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::ProbeOutcome,
    };

    const AT: &str = "unix:/run/shop.sock";
    const FULL: &str = "connect() to unix:/run/shop.sock failed (11: Resource temporarily unavailable) while connecting to upstream";

    fn shop(queue: u32) -> Host {
        Host::passing_to(AT).process(100, "gunicorn", "shop.service").listens_with(AT, 100, |l| {
            l.queue = Some(queue);
            l.backlog = Some(5);
        })
    }

    #[test]
    fn a_queue_at_its_limit_is_told_with_its_length() {
        let found = shop(6).nginx(10, FULL, AT).root("unix-backlog-full");
        assert_eq!(found.subject.upstreams.len(), 1);
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.evidence.iter().any(|e| e.what.contains("6 connections wait")));
    }

    #[test]
    fn an_empty_queue_hours_after_such_a_line_is_over() {
        let host = shop(0).nginx(600, FULL, AT);
        assert!(!host.diagnose().findings.iter().any(|f| f.cause == "unix-backlog-full"));
    }

    #[test]
    fn a_refused_connect_is_not_a_full_queue() {
        shop(0).probe(AT, ProbeOutcome::Refused).refused(10, AT).spares("unix-backlog-full");
    }

    #[test]
    fn a_full_queue_of_a_tcp_port_is_another_trouble() {
        let at = "127.0.0.1:8000";
        Host::passing_to(at)
            .process(100, "gunicorn", "shop.service")
            .listens_with(at, 100, |l| l.queue = Some(200))
            .spares("unix-backlog-full");
    }
}
