//! The unit behind an upstream was not started at boot, because it is not enabled.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, UnitActive, UnitResult},
};

use super::rule::{Rule, about_unit, missed_units};

pub(super) const RULE: Rule = Rule { cause: "unit-not-enabled", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| b.who.active == UnitActive::Inactive && b.who.result == UnitResult::Success)
        .filter(|b| b.who.file_state.raw() == "disabled" && b.who.triggered_by.is_empty())
        // A unit that ran since boot was started by somebody and stopped by somebody.
        .filter(|b| b.who.exec_start.is_none() && b.who.active_enter.is_none())
        .map(|backing| {
            let unit = &backing.who.name;
            let summary = format!("{unit} is not enabled and was not started since boot");
            about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                .with(
                    "UnitFileState=disabled, never active since boot",
                    Origin::Systemd(unit.clone()),
                    None,
                )
                .check(format!("systemctl enable --now {unit}, if it is meant to run"))
        })
        .collect()
}
