//! The kernel killed a process of the unit because the unit's own memory limit was reached.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{KillScope, Origin, SourceId, UnitResult},
};

use super::{
    oom_rule,
    rule::{Rule, about_unit, down_since},
};

pub(super) const RULE: Rule = Rule { cause: "oom-cgroup-unit", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = oom_rule::judge(
        scene,
        RULE.cause,
        |scope| matches!(scope, KillScope::Cgroup(_)),
        |unit, kill| {
            let tail = if unit.is_up() { "its requests died with it" } else { "it is not running" };
            format!(
                "the kernel killed {} of {} at its memory limit at {}; {tail}",
                kill.name, unit.name, kill.at
            )
        },
    );
    // Where the kernel log is out of sight, systemd's own word (cgroup v2) still tells.
    if scene.blind(SourceId::Kernel) {
        for backing in scene.units() {
            let unit = backing.who;
            let said = scene.facts_of_unit(unit, &["oom-cgroup-unit"]).next_back();
            if said.is_none() && unit.result != UnitResult::OomKill {
                continue;
            }
            if !backing.missing && !scene.failing_lately(&backing.chains) {
                continue;
            }
            let limited = unit.memory_max.is_some();
            let confidence = if limited { Confidence::Likely } else { Confidence::Possible };
            found.push(
                about_unit(
                    scene,
                    &backing,
                    RULE.cause,
                    confidence,
                    format!("systemd says that a process of {} was killed for memory", unit.name),
                )
                .with_some(said.map(Scene::quote))
                .with(
                    "Result=oom-kill",
                    Origin::Systemd(unit.name.clone()),
                    down_since(unit),
                ),
            );
        }
    }
    found
}
