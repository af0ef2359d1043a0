//! Caddy takes a backend out of service when its health check is not answered as it expects, and
//! answers 503 when none is left. Its log names the backend of the check; its admin port does not
//! tell the state.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::{
        LogFact,
        topology::{Chain, PeerState},
    },
    observation::GatewayKind,
};

use super::by_upstream_line::still_current;

/// The line of a check that was answered with another status, and with another text.
const STATUS: &str = "health-check-wrong";
const BODY: &str = "health-check-body-wrong";
/// The line of a request for which no backend was left.
const NONE_LEFT: &str = "upstream-all-banned";

/// Backends that Caddy's own check keeps out although they answer.
pub(super) fn judge(scene: &Scene<'_>, cause: &'static str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, chain) in scene.chains.iter().enumerate() {
        if chain.gateway.kind != GatewayKind::Caddy || chain.state != PeerState::Up {
            continue;
        }
        let lines: Vec<&LogFact> = scene.facts_on(chain, &[STATUS, BODY]).collect();
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        let refused = none_left(scene, chain, first);
        let code = last.captures.get("code").and_then(|code| code.raw().parse::<u16>().ok());
        let (sure, answer) = match (last.signature.as_str(), code) {
            (STATUS, Some(code @ 100..=499)) => (Confidence::Confirmed, format!("answered {code}")),
            // An application that is ill may say so at its check.
            (STATUS, Some(code)) => (Confidence::Possible, format!("answered {code}")),
            (STATUS, None) => (Confidence::Likely, "answered with another status".to_owned()),
            _ => (Confidence::Likely, "answered with another text".to_owned()),
        };
        // Other backends of the same site may have been what was missing.
        let alone = scene.chains.iter().filter(|c| c.gateway.id == chain.gateway.id).count() == 1;
        let sure = match (refused, alone) {
            (Some(_), true) => sure,
            (Some(_), false) => sure.min(Confidence::Likely),
            (None, _) => Confidence::Possible,
        };
        let at = &chain.upstream.written;
        let summary = format!(
            "Caddy's health check of {at} is {answer}, so no request goes there; the server itself \
             accepts connections"
        );
        let mut finding = Finding::new(cause, sure, summary)
            .about(scene.subject(&[index]))
            .with_some(Some(Scene::quote(last)))
            .with_some(refused.map(Scene::quote))
            .since(Some(first.at))
            .check(
                "ask what the check asks at the server by hand, and compare with what users get",
            );
        finding.current = still_current(scene, chain.gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

/// The newest request that found no backend after the check had begun to fail.
fn none_left<'s>(scene: &'s Scene<'_>, chain: &Chain<'_>, check: &LogFact) -> Option<&'s LogFact> {
    scene
        .facts(&[NONE_LEFT])
        .rfind(|fact| fact.gateway.as_ref() == Some(&chain.gateway.id) && fact.at >= check.at)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago},
        },
        observation::{GatewayId, GatewayKind, LogLine, Origin, Program, Seen, SourceId, Text},
    };

    const AT: &str = "127.0.0.1:8000";
    const LOG: &str = "/var/log/caddy/caddy.log";

    fn caddy() -> Host {
        let id = GatewayId("caddy:/etc/caddy/Caddyfile".into());
        let mut host = Host::new();
        host.gateway.kind = GatewayKind::Caddy;
        host.gateway.id = id.clone();
        host.config.gateway = id.clone();
        for log in &mut host.config.logs {
            log.gateway = Some(id.clone());
            log.path = LOG.into();
        }
        host.upstream(AT).serves("shop.service", AT, 100)
    }

    fn said(host: Host, secs: i64, text: &str) -> Host {
        let line = LogLine {
            program: Program::Caddy,
            origin: Origin::File(LOG.into()),
            gateway: Some(GatewayId("caddy:/etc/caddy/Caddyfile".into())),
            at: Some(ago(secs)),
            text: Text::new(text),
        };
        host.sees(SourceId::Logs, Seen::Log(line))
    }

    fn check(host: Host, what: &str) -> Host {
        let line = format!(
            r#"{{"level":"info","ts":1.0,"logger":"http.handlers.reverse_proxy.health_checker.active",{what},"host":"127.0.0.1:8000"}}"#
        );
        said(host, 20, &line)
    }

    fn refused(host: Host) -> Host {
        said(
            host,
            10,
            r#"{"level":"error","ts":1.0,"logger":"http.log.error.log0","msg":"no upstreams available","status":503}"#,
        )
    }

    #[test]
    fn a_living_backend_that_the_check_keeps_out_is_the_checks_mistake() {
        let host = refused(check(caddy(), r#""msg":"unexpected status code","status_code":404"#));
        let found = host.root("health-check-wrong");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("404") && found.summary.contains(AT), "{}", found.summary);
        host.incident_of(
            "caddy-health-check-wrong",
            "health-check-wrong",
            Confidence::Confirmed,
            AT,
        );
    }

    #[test]
    fn an_ill_application_or_another_text_is_not_proven_to_be_the_checks_mistake() {
        let ill = check(caddy(), r#""msg":"status code out of tolerances","status_code":503"#);
        assert_eq!(refused(ill).root("health-check-wrong").confidence, Confidence::Possible);
        let text = check(caddy(), r#""msg":"response body failed expectations""#);
        assert_eq!(refused(text).root("health-check-wrong").confidence, Confidence::Likely);
    }

    #[test]
    fn a_check_that_no_request_suffered_from_is_at_most_possible() {
        let host = check(caddy(), r#""msg":"unexpected status code","status_code":404"#);
        let all = host.diagnose().findings;
        assert!(all.iter().all(|f| f.confidence == Confidence::Possible), "{all:#?}");
    }
}
