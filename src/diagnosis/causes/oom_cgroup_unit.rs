//! The kernel killed a process of the unit because the unit's own memory limit was reached.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::Backing, sight::hides_failures},
    observation::{KillScope, Origin, Owner, SourceId, Unit, UnitResult},
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
        let mut finding = about_unit(scene, backing, RULE.cause, confidence, summary)
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
    found.extend(scene.units().iter().filter_map(|backing| counted(scene, backing)));
    found
}

/// Where neither the kernel's line nor systemd's word can be read, the control group still counts:
/// how often, and neither when nor at whose limit.
fn counted(scene: &Scene<'_>, backing: &Backing<'_, Unit>) -> Option<Finding> {
    let unit = backing.who;
    let owner = Owner::Unit(unit.name.clone());
    let told = unit.result == UnitResult::OomKill
        || !scene.kills_of(&owner, down_since(unit)).is_empty()
        || scene.facts_of_unit(unit, &["oom-cgroup-unit"]).next().is_some();
    if told || !scene.blind(SourceId::Kernel) {
        return None;
    }
    let track = scene.case.cgroups.get(&owner)?;
    let kills = track.now.value.oom_kills.filter(|n| *n > 0)?;
    let failing = scene.failing_lately(&backing.chains);
    if !failing && !hides_failures(scene, &backing.chains) {
        return None;
    }
    let rose = track.first.oom_kills.is_some_and(|first| first < kills);
    let when = if rose { ", the last one just now" } else { "" };
    let summary = format!(
        "the control group of {} counts {kills} processes killed for memory since it started{when}",
        unit.name
    );
    let group = track.now.value.path.clone();
    let at = rose.then_some(track.now.at.wall);
    let finding = about_unit(scene, backing, RULE.cause, Confidence::Possible, summary)
        .with(format!("oom_kill {kills}"), Origin::Cgroup(group), at)
        .unseen("when, which process and at which limit", SourceId::Kernel)
        .check("journalctl -k -g 'Killed process', as root");
    Some(finding)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, ago, container, container_id, name, unit},
        },
        observation::{CgroupSample, Owner, Seen, SourceId, UnitResult},
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

    /// A unit that serves and whose control group counts kills, with the kernel log out of sight.
    fn counts(kills: &[u64]) -> Host {
        let sample = |kills: &u64| {
            Seen::Cgroup(CgroupSample {
                owner: Owner::Unit(name("shop.service")),
                path: GROUP.into(),
                memory: None,
                memory_max: Some(64 << 20),
                oom_kills: Some(*kills),
                pids: None,
                pids_max: None,
                throttled_periods: None,
                throttled_us: None,
                cpu_periods: None,
            })
        };
        let host = Host::passing_to(AT).serves("shop.service", AT, 100).blind(SourceId::Kernel);
        kills.iter().fold(host, |host, n| host.sees(SourceId::Cgroups, sample(n)))
    }

    #[test]
    fn a_count_of_kills_is_a_possibility_where_nothing_tells_more() {
        let host = counts(&[1]).blind(SourceId::Logs);
        let found = host.root("oom-cgroup-unit");
        assert_eq!(found.confidence, Confidence::Possible);
        assert!(found.missing.iter().any(|m| m.source == SourceId::Kernel));
        // Nobody saw a request fail, and nobody could have.
        assert_eq!(host.diagnose().status, Status::Unknown);
        counts(&[1]).closed(10, AT).root("oom-cgroup-unit");
    }

    #[test]
    fn a_count_of_kills_harms_nobody_while_requests_are_seen_to_succeed() {
        counts(&[1]).spares("oom-cgroup-unit");
        counts(&[1]).blind(SourceId::Logs).traffic(1, 200, 9).spares("oom-cgroup-unit");
        counts(&[0]).blind(SourceId::Logs).spares("oom-cgroup-unit");
    }

    #[test]
    fn a_count_that_rises_while_it_is_watched_says_so() {
        let found = counts(&[1, 2]).blind(SourceId::Logs).root("oom-cgroup-unit");
        assert!(found.summary.contains("just now"), "{}", found.summary);
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
