//! The application serves, and the check that the gateway makes asks the wrong thing.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::PeerState,
    observation::Origin,
};

use super::{
    caddy_health,
    haproxy_group::{Down, groups},
    rule::Rule,
};

pub(super) const RULE: Rule = Rule { cause: "health-check-wrong", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for group in groups(scene) {
        for down in group.downs(scene) {
            let Some((sure, summary)) = verdict(scene, &down) else { continue };
            let others = group.serves() == Some(true);
            let sure = if others { sure.min(Confidence::Likely) } else { sure };
            let mut finding = Finding::new(RULE.cause, sure, summary)
                .about(scene.subject(&[down.index]))
                .with_some(down.state.map(|state| group.state_words(state)))
                .with_some(down.line.map(Scene::quote))
                .since(down.line.map(|line| line.at).or(scene.incident.first))
                .check("ask what the check asks at the server by hand, and compare with what users get");
            if let Some(check) = &down.chain.upstream.params.check {
                let asked =
                    if check.request.is_empty() { "a connect" } else { check.request.raw() };
                let expect = match check.expect.raw() {
                    "" => String::new(),
                    expect => format!(", expects {expect}"),
                };
                finding.evidence.push(Evidence {
                    what: format!("the check is {asked}{expect}"),
                    origin: Origin::Config(check.place.clone()),
                    at: None,
                });
            }
            found.push(finding);
        }
    }
    found.extend(caddy_health::judge(scene, RULE.cause));
    found
}

/// Whether it is the check that is wrong: the server's own address accepts, and the check was
/// answered that there is nothing there, or goes elsewhere.
fn verdict<'a>(scene: &Scene<'a>, down: &Down<'_, 'a>) -> Option<(Confidence, String)> {
    let up = down.chain.state == PeerState::Up;
    if matches!(down.chain.state, PeerState::Down | PeerState::Strained) {
        return None;
    }
    let name = down.name();
    let check = down.chain.upstream.params.check.as_ref();
    let asked = check.map_or_else(|| "what the check asks".to_owned(), |c| c.request.to_string());
    let sure = if up { Confidence::Confirmed } else { Confidence::Likely };
    match (down.kind().as_str(), down.code()) {
        // A good status that is refused is not the one that is expected.
        ("L7STS", Some(code @ 100..=499)) => Some((
            sure,
            format!(
                "the check of {name} asks for {asked} and is answered {code}: the server itself answers"
            ),
        )),
        // An application that is ill may say so at its check; it served users until then.
        ("L7STS", Some(code)) => {
            let served = served_before(scene, down);
            let sure = if served { Confidence::Likely } else { Confidence::Possible };
            Some((sure, format!("the check of {name} asks for {asked} and is answered {code}")))
        }
        ("L7RSP", _) if down.reason().contains("did not match") => Some((
            sure.min(Confidence::Likely),
            format!(
                "the check of {name} asks for {asked}, and the answer is not what it expects: the \
                 server itself answers"
            ),
        )),
        ("L4CON" | "L4TOUT", _) => {
            let apart = check.and_then(|check| check.address.as_ref())?;
            Some((
                sure,
                format!(
                    "the check of {name} goes to {apart}, where nobody answers; the server itself accepts connections"
                ),
            ))
        }
        _ => None,
    }
}

/// Whether requests through this gateway went well shortly before.
fn served_before<'a>(scene: &Scene<'a>, down: &Down<'_, 'a>) -> bool {
    let from = scene.incident.window;
    let (all, failed) = scene.case.access.totals(Some(&down.chain.gateway.id), from);
    let own_errors = scene.facts_on(down.chain, &["upstream-sent-5xx"]).next().is_some();
    all > failed && !own_errors
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, unit},
            testing_haproxy::{balancer, server},
        },
        observation::{Address, HealthCheck, ProbeOutcome, ServerStatus, SourceId},
    };

    const A: &str = "127.0.0.1:8000";

    fn checked(code: &str) -> Host {
        balancer("app", &[A])
            .config(|config| {
                let check = HealthCheck {
                    request: "GET /health".into(),
                    place: crate::observation::Place {
                        file: "/etc/haproxy/haproxy.cfg".into(),
                        line: 12,
                    },
                    ..HealthCheck::default()
                };
                config.upstreams[0].params.check = Some(Box::new(check));
            })
            .haproxy_state(vec![
                server("app", "s1", ServerStatus::Down).with(|s| s.check = Some(code.into())),
            ])
            .haproxy_request(10, "app/<NOSRV>", 503, "SC--")
    }

    #[test]
    fn while_the_next_check_is_on_its_way_the_line_tells_the_status() {
        let found = checked("L7STS/0")
            .serves("shop.service", A, 100)
            .haproxy(20, "Server app/s1 is DOWN, reason: Layer7 wrong status, code: 404, info: \"Not Found\", check duration: 1ms. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.")
            .root("health-check-wrong");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("404"), "{}", found.summary);
    }

    #[test]
    fn a_check_that_is_answered_not_found_by_a_living_server_asks_the_wrong_thing() {
        let host = checked("L7STS/404").serves("shop.service", A, 100);
        host.incident("health-check-wrong", Confidence::Confirmed, r"127\.0\.0\.1:8000");
        let found = host.root("health-check-wrong");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("GET /health"), "{}", found.summary);
        assert!(found.explains.contains(&"haproxy-no-server"), "{:?}", found.explains);
    }

    #[test]
    fn an_answer_without_the_expected_text_leads_to_the_check() {
        let told = server("app", "s1", ServerStatus::Down).with(|s| {
            s.check = Some("L7RSP".into());
            s.check_words = Some("HTTP content check did not match".into());
        });
        let host = checked("L7RSP").haproxy_state(vec![told]).serves("shop.service", A, 100);
        let found = host.root("health-check-wrong");
        assert_eq!(found.confidence, Confidence::Likely);
        // Without these words it is an answer that is no HTTP.
        checked("L7RSP").serves("shop.service", A, 100).spares("health-check-wrong");
    }

    #[test]
    fn a_good_status_that_is_not_the_expected_one_is_the_checks_mistake() {
        let host = checked("L7STS/200").serves("shop.service", A, 100);
        assert_eq!(host.root("health-check-wrong").confidence, Confidence::Confirmed);
    }

    #[test]
    fn an_application_that_says_that_it_is_ill_is_not_a_wrong_check_for_sure() {
        let host = checked("L7STS/503").serves("shop.service", A, 100);
        let all = host.diagnose().findings;
        let found = all.iter().find(|f| f.cause == "health-check-wrong");
        assert!(found.is_none_or(|f| f.confidence < Confidence::Confirmed));
        assert_eq!(all[0].cause, "haproxy-server-down", "{all:#?}");
    }

    #[test]
    fn a_server_that_is_down_for_us_too_is_no_matter_of_its_check() {
        let host = checked("L4CON").unit(unit("shop.service").claims(A).stopped(60));
        host.spares("health-check-wrong");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_check_of_another_port_where_nobody_listens_is_wrong() {
        let host = checked("L4CON")
            .config(|config| {
                let check = HealthCheck {
                    address: Address::parse("127.0.0.1:8100", 80),
                    ..HealthCheck::default()
                };
                config.upstreams[0].params.check = Some(Box::new(check));
            })
            .serves("shop.service", A, 100)
            .probe(A, ProbeOutcome::Connected);
        assert_eq!(host.root("health-check-wrong").confidence, Confidence::Confirmed);
    }

    #[test]
    fn the_log_alone_tells_it_too() {
        let line = "Server app/s1 is DOWN, reason: Layer7 wrong status, code: 404, info: \"Not Found\", check duration: 0ms. 0 active and 0 backup servers left.";
        let host = balancer("app", &[A])
            .serves("shop.service", A, 100)
            .blind(SourceId::Runtime)
            .haproxy(20, line)
            .haproxy_request(10, "app/<NOSRV>", 503, "SC--");
        host.root("health-check-wrong");
    }
}
