//! The unit behind an upstream ended with an error of its own.

use crate::{
    diagnosis::{Confidence, Finding, Missing, Scene},
    observation::{SourceId, UnitActive, UnitExit, UnitResult},
};

use super::rule::{Rule, about_unit, last_words, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-unit-failed-exit", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| matches!(b.who.active, UnitActive::Failed | UnitActive::Activating))
        .filter(|b| b.who.result == UnitResult::ExitCode)
        .filter_map(|backing| {
            let UnitExit::Exited(code) = backing.who.exit else { return None };
            let unit = &backing.who.name;
            let summary = format!("{unit} ended with exit status {code} and is not running");
            // Why it ended stands in its journal; unread, this is only what it looks like.
            let blind = scene.blind(SourceId::Journal);
            let confidence = if blind { Confidence::Likely } else { Confidence::Confirmed };
            let mut finding = about_unit(scene, &backing, RULE.cause, confidence, summary);
            if blind {
                finding
                    .missing
                    .push(Missing { what: "why it ended".to_owned(), source: SourceId::Journal });
            }
            Some(
                finding
                    .with_some(last_words(scene, backing.who))
                    .check(format!("what did it say last? journalctl -u {unit} -n 20")),
            )
        })
        .collect()
}
