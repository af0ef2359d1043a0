//! The gateway's configuration on disk would be refused.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, ProblemKind, UnitActive},
};

use super::rule::{Rule, state_words};

pub(super) const RULE: Rule = Rule { cause: "proxy-config-invalid", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways() {
        let unit = gateway.unit.as_ref().and_then(|u| scene.case.units.get(u));
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
        .check("nginx -t names the line");
        finding.subject.gateway = Some(gateway.id.clone());
        finding.subject.unit.clone_from(&gateway.unit);
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
