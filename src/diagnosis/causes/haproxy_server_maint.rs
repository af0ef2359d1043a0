//! Every server of a backend was taken out by a person or by the configuration.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::{Origin, ServerStatus},
};

use super::{
    haproxy_group::{Group, groups},
    rule::Rule,
};

pub(super) const RULE: Rule = Rule { cause: "haproxy-server-maint", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    groups(scene).iter().filter_map(|group| finding(scene, group)).collect()
}

fn finding(scene: &Scene<'_>, group: &Group<'_, '_>) -> Option<Finding> {
    let away = |status: ServerStatus| {
        matches!(
            status,
            ServerStatus::Maintenance | ServerStatus::Draining | ServerStatus::Stopping
        )
    };
    let unserved = group.unserved(scene);
    let mut taken = Vec::new();
    let mut evidence = Vec::new();
    for (index, chain, state) in &group.servers {
        let configured = chain.upstream.params.down;
        let out = state.map_or(configured, |state| away(state.status));
        if !out {
            continue;
        }
        taken.push(*index);
        evidence.extend(state.map(|state| group.state_words(state)));
        if configured {
            evidence.push(Evidence {
                what: format!("{} is disabled in the configuration", chain.upstream.params.name),
                origin: Origin::Config(chain.upstream.place.clone()),
                at: None,
            });
        }
    }
    // One in maintenance while others serve is a matter of course.
    let none_left = match group.serves() {
        Some(serves) => !serves,
        None => taken.len() == group.servers.len() && unserved.is_some(),
    };
    if taken.is_empty() || !none_left {
        return None;
    }
    let all = taken.len() == group.servers.len();
    let summary = format!(
        "{} of {} in HAProxy {} taken out by hand (maintenance or drain){}",
        if all { "every server".to_owned() } else { format!("{} servers", taken.len()) },
        group.name,
        if all { "is" } else { "are" },
        if all { "" } else { ", and the others fail their checks" },
    );
    let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, summary)
        .about(scene.subject(&taken))
        .with_some(unserved.map(Scene::quote))
        .since(unserved.map(|fact| fact.at).or(scene.incident.first))
        .check("is it meant? Then: set server BACKEND/SERVER state ready, over the stats socket");
    evidence.truncate(8);
    finding.evidence.splice(0..0, evidence);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing_haproxy::{balancer, server},
        },
        observation::{ProbeOutcome, ServerStatus, SourceId},
    };

    const A: &str = "127.0.0.1:8000";
    const B: &str = "127.0.0.1:8001";

    #[test]
    fn a_backend_whose_only_server_is_in_maintenance_is_not_called_down() {
        let host = balancer("app", &[A])
            .serves("shop.service", A, 100)
            .probe(A, ProbeOutcome::Connected)
            .haproxy_state(vec![server("app", "s1", ServerStatus::Maintenance)])
            .haproxy_request(10, "app/<NOSRV>", 503, "SC--");
        host.incident("haproxy-server-maint", Confidence::Confirmed, r"127\.0\.0\.1:8000");
        let found = host.root("haproxy-server-maint");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"haproxy-no-server"), "{:?}", found.explains);
        assert_eq!(host.diagnose().status, Status::Failing);
        host.spares("haproxy-server-down");
    }

    #[test]
    fn one_in_maintenance_while_another_serves_is_a_matter_of_course() {
        let host = balancer("app", &[A, B])
            .serves("a.service", A, 100)
            .serves("b.service", B, 200)
            .traffic(1, 200, 50)
            .haproxy_state(vec![
                server("app", "s1", ServerStatus::Maintenance),
                server("app", "s2", ServerStatus::Up),
            ]);
        host.spares("haproxy-server-maint");
        assert_eq!(host.diagnose().status, Status::Healthy);
    }

    #[test]
    fn what_the_configuration_disables_is_told_without_the_socket_too() {
        let host = balancer("app", &[A])
            .config(|config| config.upstreams[0].params.down = true)
            .serves("shop.service", A, 100)
            .blind(SourceId::Runtime)
            .haproxy_request(10, "app/<NOSRV>", 503, "SC--");
        host.root("haproxy-server-maint");
    }
}
