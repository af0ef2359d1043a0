//! What the two rules about memory kills of units share.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{KernelKill, KillScope, Origin, Owner, Unit, UnitResult},
};

use super::rule::{about_unit, down_since};

/// Units behind upstreams in which the kernel killed something, for one kind of scope.
pub(super) fn judge(
    scene: &Scene<'_>,
    cause: &'static str,
    fits: fn(&KillScope) -> bool,
    summary: fn(&Unit, &KernelKill) -> String,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.units() {
        let unit = backing.who;
        let owner = Owner::Unit(unit.name.clone());
        let kills = scene.kills_of(&owner, down_since(unit));
        let Some(kill) = kills.iter().rev().find(|k| fits(&k.scope)) else { continue };
        if !backing.missing && !scene.failing_lately(&backing.chains) {
            continue;
        }
        let mut finding =
            about_unit(scene, backing, cause, Confidence::Confirmed, summary(unit, kill))
                .with(kill.text.to_string(), Origin::KernelLog, Some(kill.at))
                .since(Some(kill.at));
        if unit.result == UnitResult::OomKill {
            finding = finding.with(
                "systemd says Result=oom-kill",
                Origin::Systemd(unit.name.clone()),
                None,
            );
        }
        if let Some(limit) = kill.limit.or(unit.memory_max) {
            finding = finding.with(
                format!("its limit is {} MiB, the victim held {} MiB", limit >> 20, kill.rss >> 20),
                Origin::KernelLog,
                None,
            );
        }
        found.push(finding);
    }
    found
}
