//! A backend had no server left for requests, and why is not known.

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{GatewayKind, Text},
};

use super::{by_upstream_line::still_current, haproxy_group::groups, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "haproxy-no-server", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let groups = groups(scene);
    for gateway in scene.gateways().filter(|gateway| gateway.kind == GatewayKind::Haproxy) {
        let mut by_group: BTreeMap<&Text, Vec<&LogFact>> = BTreeMap::new();
        for fact in scene.facts(&["haproxy-no-server"]) {
            if fact.gateway.as_ref() == Some(&gateway.id)
                && let Some(group) = fact.captures.get("be")
            {
                by_group.entry(group).or_default().push(fact);
            }
        }
        for (name, facts) in by_group {
            let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
            let group =
                groups.iter().find(|group| group.gateway.id == gateway.id && group.name == name);
            let summary = match group {
                Some(_) => {
                    format!("{name} had no server left for requests ({} lines)", facts.len())
                }
                None => format!(
                    "requests for {name} find no server: it has none in the configuration, or no rule \
                     chooses a backend ({} lines)",
                    facts.len()
                ),
            };
            let indexes: Vec<usize> = group
                .map(|g| g.servers.iter().map(|(index, ..)| *index).collect())
                .unwrap_or_default();
            let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, summary)
                .about(scene.subject(&indexes))
                .with_some(Some(Scene::quote(last)))
                .since(Some(first.at))
                .check("show stat on the stats socket: the status and last check of each server");
            finding.subject.gateway = Some(gateway.id.clone());
            finding.subject.name = Some(name.clone());
            let back = group.is_some_and(|group| group.serves() == Some(true));
            finding.current = still_current(scene, gateway.loaded, last.at) && !back;
            found.push(finding);
        }
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
    fn a_backend_without_any_server_is_told_by_its_name() {
        let host = balancer("app", &[A]).serves("a.service", A, 1).haproxy_request(
            10,
            "empty/<NOSRV>",
            503,
            "SC--",
        );
        host.incident("haproxy-no-server", Confidence::Confirmed, "empty");
        let found = host.root("haproxy-no-server");
        assert_eq!(found.subject.name.unwrap().raw(), "empty");
        assert!(found.summary.contains("no rule"), "{}", found.summary);
    }

    #[test]
    fn it_is_over_once_a_server_is_back() {
        let host = balancer("app", &[A])
            .serves("a.service", A, 1)
            .haproxy_request(60, "app/<NOSRV>", 503, "SC--")
            .haproxy_state(vec![server("app", "s1", ServerStatus::Up)]);
        let diagnosis = host.diagnose();
        assert!(!diagnosis.findings.iter().any(|f| f.cause == "haproxy-no-server"));
        assert!(diagnosis.recovered.iter().any(|f| f.cause == "haproxy-no-server"));
    }
}
