//! The gateway's configuration on disk would be refused.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{GatewayKind, Origin, ProblemKind, UnitActive},
};

use super::rule::{Rule, state_words};

pub(super) const RULE: Rule = Rule { cause: "proxy-config-invalid", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways() {
        let unit = scene.unit_of_gateway(gateway);
        let config = scene.case.configs.get(&gateway.id);
        let syntax = config.and_then(|c| {
            c.problems
                .iter()
                .find(|p| matches!(p.kind, ProblemKind::Syntax | ProblemKind::IncludeLoop))
        });
        let missing =
            config.and_then(|c| c.problems.iter().find(|p| p.kind == ProblemKind::Missing));
        let line = scene
            .facts(&["proxy-config-invalid", "dns-unresolvable-at-start"])
            .filter(|f| {
                f.gateway.as_ref() == Some(&gateway.id)
                    || unit.is_some_and(|u| f.origin == Origin::Journal(u.name.clone()))
            })
            .rfind(|f| config.and_then(|c| c.modified).is_none_or(|m| f.at >= m.minus_secs(1)));
        let failed = unit.is_some_and(|u| u.active == UnitActive::Failed);
        let confidence = match (syntax, line, gateway.running) {
            (Some(_), _, _) | (None, Some(_), _) => Confidence::Confirmed,
            (None, None, false) if failed && missing.is_some() => Confidence::Likely,
            _ => continue,
        };
        let place =
            syntax.or(missing).map(|p| format!(" ({}: {})", p.place, p.what)).unwrap_or_default();
        let effect = if gateway.running {
            "the old one is still in force; a restart would fail"
        } else {
            "it cannot start"
        };
        let mut finding = Finding::new(
            RULE.cause,
            confidence,
            format!("{}'s configuration is invalid{place}: {effect}", gateway.kind.as_str()),
        )
        .with_some(line.map(Scene::quote))
        .since(line.map(|f| f.at).or(config.and_then(|c| c.modified)))
        .check(test_words(gateway.kind));
        finding.subject.gateway = Some(gateway.id.clone());
        finding.subject.unit = unit.map(|unit| unit.name.clone());
        if let Some(problem) = syntax.or(missing) {
            finding =
                finding.with(problem.what.to_string(), Origin::Config(problem.place.clone()), None);
        }
        if let Some(unit) = unit.filter(|_| failed) {
            finding = finding.with(
                state_words(unit),
                Origin::Systemd(unit.name.clone()),
                unit.inactive_enter,
            );
        }
        found.push(finding);
    }
    found
}

/// The command that names the line.
const fn test_words(kind: GatewayKind) -> &'static str {
    match kind {
        GatewayKind::Nginx => "nginx -t names the line",
        GatewayKind::Apache => "apachectl configtest names the line",
        GatewayKind::Haproxy => "haproxy -c -f with its file names the line",
        GatewayKind::Caddy => "caddy validate with its file names the line",
        GatewayKind::Traefik => "its log names what it refuses",
        GatewayKind::Envoy => "envoy --mode validate -c with its file names what it refuses",
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, ago, gateway_id, name, unit},
        },
        observation::{ConfigProblem, Place, ProblemKind},
    };

    const AT: &str = "127.0.0.1:8000";

    fn problem(kind: ProblemKind) -> ConfigProblem {
        let place = Place { file: "/etc/nginx/sites-enabled/shop".into(), line: 12 };
        ConfigProblem { kind, place, what: "directive is not terminated by \";\"".into() }
    }

    #[test]
    fn a_broken_file_under_a_running_gateway_is_told_and_fails_nobody() {
        let host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .config(|c| c.problems.push(problem(ProblemKind::Syntax)))
            .traffic(1, 200, 10);
        let found = host.root("proxy-config-invalid");
        assert_eq!(found.subject.gateway, Some(gateway_id()));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("sites-enabled/shop:12"), "{}", found.summary);
        assert_eq!(host.diagnose().status, Status::Degraded);
    }

    #[test]
    fn a_gateway_that_a_broken_file_keeps_from_starting_is_down_for_that_reason() {
        let host = Host::passing_to(AT)
            .gateway(|g| g.running = false)
            .unit(unit("nginx.service").exited(1, 60))
            .config(|c| c.problems.push(problem(ProblemKind::Syntax)));
        let found = host.root("proxy-config-invalid");
        assert_eq!(found.subject.unit, Some(name("nginx.service")));
        assert!(found.explains.contains(&"proxy-not-running"));
        assert_eq!(host.diagnose().status, Status::Failing);
    }

    #[test]
    fn an_emergency_line_older_than_the_file_speaks_of_what_was_mended() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .config(|c| c.modified = Some(ago(60)))
            .nginx_line(300, "\"proxy_busy_buffers_size\" must be less than the size of all \"proxy_buffers\" minus one buffer in /etc/nginx/nginx.conf:2")
            .spares("proxy-config-invalid");
    }

    #[test]
    fn a_directive_that_only_this_program_does_not_know_is_valid() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .config(|c| c.problems.push(problem(ProblemKind::Unknown)))
            .spares("proxy-config-invalid");
    }
}
