//! The kernel killed a process of the unit because the unit's own memory limit was reached.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{KillScope, Origin, Owner, SourceId, UnitResult},
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
    // Where the kernel's line is out of sight or gone from its ring, systemd's own word (cgroup
    // v2) still tells.
    for backing in scene.units() {
        let unit = backing.who;
        let owner = Owner::Unit(unit.name.clone());
        if !scene.kills_of(&owner, down_since(unit)).is_empty() {
            continue;
        }
        let said = scene.facts_of_unit(unit, &["oom-cgroup-unit"]).next_back();
        let result = unit.result == UnitResult::OomKill;
        let suffers = backing.missing || scene.failing_lately(&backing.chains);
        if (said.is_none() && !result) || !suffers {
            continue;
        }
        let limited = unit.memory_max.is_some();
        let confidence = if limited { Confidence::Likely } else { Confidence::Possible };
        let summary = format!("systemd says that a process of {} was killed for memory", unit.name);
        let mut finding = about_unit(scene, &backing, RULE.cause, confidence, summary)
            .with_some(said.map(Scene::quote));
        if result {
            let origin = Origin::Systemd(unit.name.clone());
            finding = finding.with("Result=oom-kill", origin, down_since(unit));
        }
        if !scene.blind(SourceId::Kernel) {
            finding = finding.contra("the kernel log has no such kill", Origin::KernelLog, None);
        }
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago, container, container_id, name, unit},
        },
        observation::{SourceId, UnitResult},
    };

    const AT: &str = "127.0.0.1:8000";
    const GROUP: &str = "/system.slice/shop.service";

    fn dead() -> Host {
        Host::passing_to(AT).unit(unit("shop.service").claims(AT).killed(9, 60)).refused(10, AT)
    }

    #[test]
    fn a_kill_at_the_units_own_limit_is_why_it_is_down() {
        let found = dead().kill(GROUP, 60, true).root("oom-cgroup-unit");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert_eq!(found.since, Some(ago(60)));
    }

    #[test]
    fn a_kill_of_last_week_convicts_nobody_and_stands_outside() {
        let host = dead().kill(GROUP, 600_000, true);
        host.spares("oom-cgroup-unit");
        assert!(host.diagnose().outside.iter().any(|o| o.contains("memory kill")));
    }

    #[test]
    fn a_unit_that_stays_down_since_its_kill_hours_ago_is_still_explained_by_it() {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).killed(9, 20_000))
            .kill(GROUP, 20_000, true)
            .refused(10, AT)
            .root("oom-cgroup-unit");
    }

    #[test]
    fn a_kill_of_a_neighbour_is_not_this_units() {
        let host = dead().kill("/system.slice/cache.service", 60, true);
        host.spares("oom-cgroup-unit");
    }

    #[test]
    fn a_unit_of_the_same_name_in_another_container_is_a_stranger() {
        let path = format!("/docker/{}{GROUP}", container_id('d').as_str());
        let known = container("other").with(|c| c.id = container_id('d'));
        dead().container(known).kill(&path, 60, true).spares("oom-cgroup-unit");
    }

    #[test]
    fn a_host_out_of_memory_is_the_other_cause() {
        let host = dead().kill(GROUP, 60, false);
        host.spares("oom-cgroup-unit");
        host.root("oom-global");
    }

    fn told_by_systemd() -> Host {
        let oom = unit("shop.service").claims(AT).killed(9, 60).result(UnitResult::OomKill);
        Host::passing_to(AT).unit(oom.with(|u| u.memory_max = Some(64 << 20))).refused(10, AT)
    }

    #[test]
    fn systemd_s_word_makes_it_likely_where_the_kernel_log_is_out_of_sight() {
        let found = told_by_systemd().blind(SourceId::Kernel).root("oom-cgroup-unit");
        assert_eq!(found.confidence, Confidence::Likely);
    }

    #[test]
    fn systemd_s_word_counts_also_when_the_kernels_line_is_gone() {
        assert_eq!(told_by_systemd().root("oom-cgroup-unit").confidence, Confidence::Likely);
    }

    #[test]
    fn a_result_that_systemd_did_not_give_is_not_quoted() {
        let host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .systemd(
                "shop.service",
                20,
                "A process of this unit has been killed by the OOM killer.",
            )
            .blind(SourceId::Kernel)
            .closed(20, AT);
        let found = host.root("oom-cgroup-unit");
        assert!(!found.evidence.iter().any(|e| e.what.contains("Result=oom-kill")));
    }
}
