//! The unit's main process was killed from outside and nothing starts it again.

use crate::{
    diagnosis::{Confidence, Finding, Missing, Scene},
    observation::{Origin, Owner, SourceId, UnitActive, UnitResult},
};

use super::rule::{Rule, about_unit, down_since, fatal_signal, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-killed-not-restarted", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| b.who.active == UnitActive::Failed)
        .filter(|b| matches!(b.who.result, UnitResult::Signal | UnitResult::CoreDump))
        .filter_map(|backing| {
            let unit = backing.who;
            let signal = fatal_signal(unit).filter(|s| matches!(s, 9 | 15 | 1 | 2 | 3))?;
            let owner = Owner::Unit(unit.name.clone());
            if !scene.kills_of(&owner, down_since(unit)).is_empty() {
                return None;
            }
            let policy = unit.restart_policy.raw();
            let why = if policy == "no" {
                "and has no Restart=".to_owned()
            } else {
                format!("and Restart={policy} did not bring it back")
            };
            let summary = format!("{} was killed by signal {signal} {why}", unit.name);
            let mut finding =
                about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .check("who sent the signal? journalctl -n 50 around that second");
            if scene.blind(SourceId::Kernel) && signal == 9 {
                finding.confidence = Confidence::Possible;
                finding.missing.push(Missing {
                    what: "whether the kernel killed it for memory".to_owned(),
                    source: SourceId::Kernel,
                });
            } else if signal == 9 {
                finding = finding.with(
                    "no memory kill of this unit is in the kernel log",
                    Origin::KernelLog,
                    None,
                );
            }
            Some(finding)
        })
        .collect()
}
