//! A worker of the application crashes while its master lives on.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::Origin,
};

use super::rule::{Rule, about_unit, kernel_fault};

pub(super) const RULE: Rule = Rule { cause: "app-worker-segfault", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .into_iter()
        .filter(|b| b.missing || scene.failing_lately(&b.chains))
        .filter_map(|backing| {
            let unit = backing.who;
            let crashes: Vec<_> = scene
                .facts_of_unit(unit, &["app-worker-segfault"])
                .filter(|fact| fact.origin != Origin::KernelLog)
                .collect();
            let last = crashes.last()?;
            let summary = format!("workers of {} crash ({} times)", unit.name, crashes.len());
            let mut finding =
                about_unit(scene, &backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(Some(Scene::quote(last)))
                    .since(crashes.first().map(|f| f.at))
                    .check("does one URL repeat among the failed requests? coredumpctl list");
            finding.evidence.extend(kernel_fault(scene, unit));
            Some(finding)
        })
        .collect()
}
