//! The unit ends and is started again, over and over.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::UnitActive,
};

use super::rule::{Rule, about_unit, last_words};

pub(super) const RULE: Rule = Rule { cause: "app-restart-loop", judge };

/// Restarts within the window from which it is a loop.
const LOOP: usize = 3;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .into_iter()
        .filter_map(|backing| {
            let unit = backing.who;
            let lines: Vec<_> = scene.facts_of_unit(unit, &["app-restart-loop"]).collect();
            let waiting = unit.active == UnitActive::Activating && unit.sub.raw() == "auto-restart";
            if unit.active == UnitActive::Failed || unit.active == UnitActive::Inactive {
                return None;
            }
            let looping = lines.len() >= LOOP || (waiting && unit.restarts as usize >= LOOP);
            if !looping || !(backing.missing || scene.failing_lately(&backing.chains)) {
                return None;
            }
            let summary = format!(
                "{} keeps ending and being started again ({} automatic restarts so far)",
                unit.name, unit.restarts
            );
            Some(
                about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(lines.last().map(|fact| Scene::quote(fact)))
                    .with_some(last_words(scene, unit))
                    .check(format!("why does it end? journalctl -u {} -n 30", unit.name)),
            )
        })
        .collect()
}
