//! A worker of the application was killed while its master lives on.

use crate::{
    diagnosis::{Confidence, Finding, Missing, Scene},
    observation::{Owner, SourceId},
};

use super::rule::{Rule, about_unit};

pub(super) const RULE: Rule = Rule { cause: "app-worker-killed", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .into_iter()
        .filter(|b| scene.failing_lately(&b.chains))
        .filter_map(|backing| {
            let unit = backing.who;
            let kills: Vec<_> = scene.facts_of_unit(unit, &["app-worker-killed"]).collect();
            let last = kills.last()?;
            // Gunicorn says "Perhaps out of memory?" also of the workers that it kills itself.
            let own = scene.facts_of_unit(unit, &["app-request-timeout-kill"]).next_back();
            if own.is_some() {
                return None;
            }
            let owner = Owner::Unit(unit.name.clone());
            if !scene.kills_of(&owner, None).is_empty() {
                return None;
            }
            let summary =
                format!("{} workers of {} were killed by SIGKILL", kills.len(), unit.name);
            let mut finding =
                about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(Some(Scene::quote(last)))
                    .since(kills.first().map(|f| f.at))
                    .check("who sent the signal? the kernel log names memory kills, nothing else");
            if scene.blind(SourceId::Kernel) {
                finding.confidence = Confidence::Possible;
                finding.missing.push(Missing {
                    what: "whether the kernel killed it for memory".to_owned(),
                    source: SourceId::Kernel,
                });
            }
            Some(finding)
        })
        .collect()
}
