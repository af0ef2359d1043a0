//! The application refuses its own configuration.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::UnitExit,
};

use super::rule::{Rule, about_unit, last_words, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-config-invalid", judge };

/// `EX_CONFIG` of sysexits.h; systemd shows it as 78/CONFIG.
const EX_CONFIG: i32 = 78;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| !b.who.is_up())
        .filter_map(|backing| {
            let unit = backing.who;
            let lines: Vec<_> = scene.facts_of_unit(unit, &["app-config-invalid"]).collect();
            let by_code = unit.exit == UnitExit::Exited(EX_CONFIG);
            if lines.is_empty() && !by_code {
                return None;
            }
            let place = lines.iter().rev().find_map(|fact| {
                let file = fact.captures.get("f2").or_else(|| fact.captures.get("file"))?;
                let line = fact.captures.get("line").map(|l| format!(":{l}")).unwrap_or_default();
                Some(format!("{file}{line}"))
            });
            let at = place.map(|p| format!(" ({p})")).unwrap_or_default();
            let summary = format!("{} refuses its configuration{at} and is not running", unit.name);
            let mut finding =
                about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .check("test the configuration with the program's own check before any start");
            for fact in lines.iter().rev().take(3) {
                finding = finding.with_some(Some(Scene::quote(fact)));
            }
            if lines.is_empty() {
                finding = finding.with_some(last_words(scene, unit));
            }
            Some(finding)
        })
        .collect()
}
