//! Requests waited in HAProxy's queue for a free server until their time was over.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::Origin,
};

use super::{by_upstream_line::still_current, haproxy_group::groups, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "haproxy-queue-timeout", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for group in groups(scene) {
        let facts = group.facts(scene, &[RULE.cause]);
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let limits: Vec<String> = group
            .servers
            .iter()
            .filter(|(_, chain, _)| chain.upstream.params.max_conns > 0)
            .map(|(_, chain, _)| {
                let params = &chain.upstream.params;
                format!("{} takes {} at a time", params.name, params.max_conns)
            })
            .take(4)
            .collect();
        let limit =
            if limits.is_empty() { String::new() } else { format!(" ({})", limits.join(", ")) };
        let summary = format!(
            "requests for {} waited for a free server until their time was over: {} lines{limit}",
            group.name,
            facts.len()
        );
        let indexes: Vec<usize> = group.servers.iter().map(|(index, ..)| *index).collect();
        let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, summary)
            .about(scene.subject(&indexes))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at))
            .check("why does the application hold its requests so long? Then: is maxconn too small for it?");
        for (_, chain, state) in group.servers.iter().take(4) {
            let queue = state.and_then(|s| Some((s.sessions?, s.limit?, s.queued.unwrap_or(0))));
            if let (Some((now, most, waiting)), Some(origin)) = (queue, &group.control) {
                finding.evidence.push(Evidence {
                    what: format!(
                        "show stat: {} has {now} of {most} sessions, {waiting} wait",
                        chain.upstream.params.name
                    ),
                    origin: origin.clone(),
                    // A look at one moment, which passes.
                    at: scene.case.runtime.get(&group.gateway.id).map(|track| track.now.at.wall),
                });
            }
            if chain.upstream.params.max_conns > 0 {
                finding.evidence.push(Evidence {
                    what: format!("maxconn {}", chain.upstream.params.max_conns),
                    origin: Origin::Config(chain.upstream.place.clone()),
                    at: Some(last.at),
                });
            }
        }
        finding.current = still_current(scene, group.gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing_haproxy::{balancer, server},
        },
        observation::ServerStatus,
    };

    const A: &str = "127.0.0.1:8000";

    #[test]
    fn a_queue_that_is_full_is_told_with_its_limit_and_the_server_is_not_called_down() {
        let host = balancer("app", &[A])
            .config(|config| config.upstreams[0].params.max_conns = 1)
            .serves("shop.service", A, 100)
            .haproxy_state(vec![server("app", "s1", ServerStatus::Up).with(|s| {
                (s.sessions, s.limit, s.queued) = (Some(1), Some(1), Some(9));
            })])
            .haproxy_request(10, "app/<NOSRV>", 503, "sQ--");
        host.incident("haproxy-queue-timeout", Confidence::Confirmed, r"127\.0\.0\.1:8000");
        let found = host.root("haproxy-queue-timeout");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("takes 1 at a time"), "{}", found.summary);
        host.spares("haproxy-server-down");
        host.spares("haproxy-no-server");
    }
}
