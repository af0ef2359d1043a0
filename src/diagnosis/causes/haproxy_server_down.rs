//! HAProxy took a server out of service because its check fails.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::SourceId,
};

use super::{haproxy_group::groups, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "haproxy-server-down", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for group in groups(scene) {
        let unserved = group.unserved(scene);
        for down in group.downs(scene) {
            let serves = group.serves();
            let (sure, tail) = match (down.state.is_some(), serves) {
                (true, Some(false)) => (Confidence::Confirmed, ", and no other one is in service"),
                (true, _) => (Confidence::Likely, "; other servers take its requests"),
                // Without the socket the log tells that it went down, not that it is still.
                (false, _) if unserved.is_some_and(|u| down.line.is_some_and(|l| u.at >= l.at)) => {
                    (Confidence::Confirmed, ", and requests find no server")
                }
                (false, _) => (Confidence::Likely, ""),
            };
            let summary =
                format!("HAProxy took {} out of service: {}{tail}", down.name(), down.reason());
            let since = down.line.map(|line| line.at).or_else(|| {
                let secs = i64::try_from(down.state?.since_secs?).ok()?;
                let at = scene.case.runtime.get(&group.gateway.id)?.now.at.wall;
                Some(at.minus_secs(secs))
            });
            let mut finding = Finding::new(RULE.cause, sure, summary)
                .about(scene.subject(&[down.index]))
                .with_some(down.state.map(|state| group.state_words(state)))
                .with_some(down.line.map(Scene::quote))
                .with_some(unserved.map(Scene::quote))
                .since(since)
                .check("follow the reason of the check: is the server up, and is the check right?");
            if down.state.is_none() {
                finding = finding.unseen("whether it is still out of service", SourceId::Runtime);
            }
            found.push(finding);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, unit},
            testing_haproxy::{balancer, server},
        },
        observation::{ProbeOutcome, ServerStatus},
    };

    const A: &str = "127.0.0.1:8000";
    const B: &str = "127.0.0.1:8001";

    fn down(host: Host) -> Host {
        host.haproxy_state(vec![
            server("app", "s1", ServerStatus::Down).with(|s| s.check = Some("L4CON".into())),
        ])
    }

    #[test]
    fn a_server_that_fails_its_check_is_named_with_the_reason() {
        let host = down(balancer("app", &[A]).probe(A, ProbeOutcome::Connected)).haproxy_request(
            10,
            "app/<NOSRV>",
            503,
            "SC--",
        );
        host.incident("haproxy-server-down", Confidence::Confirmed, r"127\.0\.0\.1:8000");
        let found = host.root("haproxy-server-down");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("cannot connect"), "{}", found.summary);
        assert_eq!(found.subject.upstreams.len(), 1);
    }

    #[test]
    fn the_word_of_an_agent_is_not_called_a_check() {
        let line = "Server app/s1 is DOWN, reason: Layer7 wrong status, code: 0, info: \"via agent : disk full\", check duration: 0ms. 0 active and 0 backup servers left.";
        let told = server("app", "s1", ServerStatus::Down).with(|s| {
            s.words = "DOWN (agent)".into();
            s.check = Some("L4OK".into());
            s.check_words = Some("Layer4 check passed".into());
        });
        let host = balancer("app", &[A]).probe(A, ProbeOutcome::Connected).haproxy(20, line);
        for host in [host.clone().haproxy_state(vec![told]), host] {
            let host = host.haproxy_request(10, "app/<NOSRV>", 503, "SC--");
            let found = host.root("haproxy-server-down");
            assert!(
                found.summary.contains("agent (agent-check) says disk full"),
                "{}",
                found.summary
            );
            host.spares("health-check-wrong");
        }
    }

    #[test]
    fn the_stopped_unit_behind_it_is_the_cause() {
        let host = down(balancer("app", &[A]).unit(unit("shop.service").claims(A).stopped(60)));
        let found = host.root("app-unit-stopped");
        assert!(found.explains.contains(&"haproxy-server-down"), "{:?}", found.explains);
        assert_eq!(host.diagnose().findings.len(), 1);
    }

    #[test]
    fn one_of_two_that_is_down_does_not_make_requests_fail() {
        let host = balancer("app", &[A, B])
            .serves("a.service", A, 100)
            .serves("b.service", B, 200)
            .traffic(1, 200, 50)
            .haproxy_state(vec![
                server("app", "s1", ServerStatus::Down),
                server("app", "s2", ServerStatus::Up),
            ]);
        assert_eq!(host.diagnose().status, Status::Degraded);
    }

    #[test]
    fn a_line_of_the_log_alone_is_likely_until_requests_find_no_server() {
        let line = "Server app/s1 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 0 active and 0 backup servers left.";
        let host = balancer("app", &[A]).haproxy(20, line);
        assert_eq!(host.clone().root("haproxy-server-down").confidence, Confidence::Likely);
        let host = host.haproxy_request(10, "app/<NOSRV>", 503, "SC--");
        assert_eq!(host.root("haproxy-server-down").confidence, Confidence::Confirmed);
    }
}
