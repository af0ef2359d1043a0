//! The host ran out of memory and the kernel chose a process of the unit.

use crate::{
    diagnosis::{Finding, Scene},
    observation::KillScope,
};

use super::{oom_rule, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "oom-global", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    oom_rule::judge(
        scene,
        RULE.cause,
        |scope| !matches!(scope, KillScope::Cgroup(_)),
        |unit, kill| {
            format!(
                "the host ran out of memory and the kernel killed {} of {} at {}",
                kill.name, unit.name, kill.at
            )
        },
    )
}
