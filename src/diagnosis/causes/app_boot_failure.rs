//! The application cannot load: an import, a module, its entry point.

use crate::diagnosis::{Confidence, Finding, Scene};

use super::rule::{Rule, about_unit, last_words};

pub(super) const RULE: Rule = Rule { cause: "app-boot-failure", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .into_iter()
        .filter(|b| b.missing)
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_of_unit(unit, &["app-boot-failure"]).next_back()?;
            let summary = format!("{} cannot load its application", unit.name);
            Some(
                about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(Some(Scene::quote(line)))
                    .with_some(last_words(scene, unit))
                    .check(format!("read the traceback: journalctl -u {} -n 40", unit.name)),
            )
        })
        .collect()
}
