//! The unit behind an upstream is stopped and was not ended by a failure.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{UnitActive, UnitLoad, UnitResult},
};

use super::rule::{Rule, about_unit, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-unit-stopped", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| b.who.active == UnitActive::Inactive && b.who.result == UnitResult::Success)
        .filter(|b| b.who.load == UnitLoad::Loaded && b.who.condition)
        .map(|backing| {
            let unit = &backing.who.name;
            let summary = match backing.who.inactive_enter {
                Some(at) => format!("{unit} is stopped since {at}; it ended without an error"),
                None => format!("{unit} is not running and has not run since boot"),
            };
            about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                .check(format!("was it stopped on purpose? journalctl -u {unit} -n 20"))
        })
        .collect()
}
