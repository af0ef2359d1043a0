//! systemd gave the unit up because it was started too often.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{UnitActive, UnitResult},
};

use super::rule::{Rule, about_unit, fatal_signal, last_words, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-start-limit-hit", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| b.who.active == UnitActive::Failed)
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_of_unit(unit, &["app-start-limit-hit"]).next_back();
            // `Result` keeps the failure of the last run when automatic restarts ran into the
            // limit, so the restart counter decides together with the policy.
            let counted = unit.start_limit_burst > 0
                && unit.restarts.saturating_add(1) >= unit.start_limit_burst
                && unit.restart_policy.raw() != "no";
            if unit.result != UnitResult::StartLimitHit && line.is_none() && !counted {
                return None;
            }
            let how = match fatal_signal(unit) {
                Some(signal) => format!("killed by signal {signal} each time"),
                None => "it ended each time".to_owned(),
            };
            let summary = format!(
                "{} was started too often and given up ({how}; {} automatic restarts, limit {})",
                unit.name, unit.restarts, unit.start_limit_burst
            );
            Some(
                about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(line.map(Scene::quote))
                    .with_some(last_words(scene, unit))
                    .check(format!("why does it end? journalctl -u {} -n 30", unit.name)),
            )
        })
        .collect()
}
