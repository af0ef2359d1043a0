//! The gateway does not start, or does not take its new configuration, because a name in it does not
//! resolve.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, ResolutionOutcome},
};

use super::rule::{Rule, state_words};

pub(super) const RULE: Rule = Rule { cause: "dns-unresolvable-at-start", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways() {
        let unit = scene.unit_of_gateway(gateway);
        let config = scene.case.configs.get(&gateway.id);
        let since = if gateway.running {
            scene.incident.window
        } else {
            crate::observation::Wall(i64::MIN)
        };
        let line = scene.case.logs.since(since).filter(|f| f.signature == *RULE.cause).rfind(|f| {
            f.gateway.as_ref() == Some(&gateway.id)
                || unit.is_some_and(|u| f.origin == Origin::Journal(u.name.clone()))
        });
        // A configuration that was loaded after the line, or changed since, was not refused by it.
        let Some(line) = line
            .filter(|f| {
                gateway.running.then_some(gateway.loaded).flatten().is_none_or(|at| at <= f.at)
            })
            .filter(|f| config.and_then(|c| c.modified).is_none_or(|m| f.at >= m.minus_secs(1)))
        else {
            continue;
        };
        let Some(host) = line.captures.get("host").cloned() else { continue };
        let bare = crate::observation::Text::new(
            host.raw().rsplit_once(':').map_or(host.raw(), |(h, _)| h),
        );
        let now = scene
            .case
            .resolutions
            .iter()
            .find(|((name, _), _)| *name == bare)
            .map(|(_, dated)| &dated.value.outcome);
        let effect = if gateway.running {
            "the old configuration stays in force, and a restart would fail"
        } else {
            "it cannot start"
        };
        let name = gateway.kind.as_str();
        let mut finding = Finding::new(
            RULE.cause,
            Confidence::Confirmed,
            format!("{name} cannot look {bare} up when it reads its configuration: {effect}"),
        )
        .with_some(Some(Scene::quote(line)))
        .since(Some(line.at));
        finding.subject.gateway = Some(gateway.id.clone());
        finding.subject.unit = unit.map(|unit| unit.name.clone());
        finding.subject.name = Some(bare.clone());
        finding = match now {
            Some(ResolutionOutcome::Found(_)) => finding
                .with(format!("{bare} resolves now"), Origin::Resolver, None)
                .check(format!("{bare} resolves now: test the configuration and start {name}")),
            Some(_) => finding
                .with(format!("{bare} does not resolve now either"), Origin::Resolver, None)
                .check(format!("getent hosts {bare}; is the name right, and is its server up?")),
            None => finding.check(format!("getent hosts {bare}; then test the configuration")),
        };
        if let Some(unit) = unit.filter(|unit| !unit.is_up()) {
            let origin = Origin::Systemd(unit.name.clone());
            finding = finding.with(state_words(unit), origin, unit.inactive_enter);
        }
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, ago, unit},
        },
        observation::ResolutionOutcome,
    };

    const LINE: &str = r#"host not found in upstream "shop.internal" in /etc/nginx/nginx.conf:10"#;

    fn down() -> Host {
        Host::passing_to("shop.internal:8000")
            .gateway(|g| g.running = false)
            .unit(unit("nginx.service").exited(1, 30))
            .nginx_line(30, LINE)
    }

    #[test]
    fn a_name_that_keeps_the_gateway_from_starting_is_the_reason() {
        let host = down().resolves("shop.internal", None, ResolutionOutcome::NxDomain);
        host.incident("dns-unresolvable-at-start", Confidence::Confirmed, "shop.internal");
        let found = host.root("dns-unresolvable-at-start");
        assert!(found.explains.contains(&"proxy-not-running"));
        assert_eq!(host.diagnose().status, Status::Failing);
    }

    #[test]
    fn a_name_that_resolves_by_now_needs_only_a_start() {
        let found = down().resolves(
            "shop.internal",
            None,
            ResolutionOutcome::Found(vec![[10, 0, 0, 5].into()]),
        );
        let check = found.root("dns-unresolvable-at-start").next_check.unwrap_or_default();
        assert!(check.contains("resolves now"), "{check}");
    }

    #[test]
    fn the_unit_of_a_gateway_that_never_ran_is_found_by_its_program() {
        let host = Host::passing_to("shop.internal:8000")
            .gateway(|g| {
                g.running = false;
                g.unit = None;
            })
            .unit(unit("nginx.service").exited(1, 30).with(|u| {
                u.commands = vec!["/usr/sbin/nginx -g daemon".into()];
            }))
            .line(
                crate::observation::Program::Nginx,
                crate::observation::Origin::Journal(crate::diagnosis::testing::name(
                    "nginx.service",
                )),
                30,
                &format!("2026/11/20 13:59:30 [emerg] 9#9: {LINE}"),
            );
        assert_eq!(
            host.root("dns-unresolvable-at-start").subject.unit,
            Some(crate::diagnosis::testing::name("nginx.service"))
        );
    }

    #[test]
    fn a_configuration_that_was_loaded_since_was_not_refused() {
        Host::passing_to("127.0.0.1:8000")
            .serves("shop.service", "127.0.0.1:8000", 100)
            .gateway(|g| g.loaded = Some(ago(10)))
            .nginx_line(30, LINE)
            .spares("dns-unresolvable-at-start");
    }
}
