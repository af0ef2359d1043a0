//! The unit's main process was killed from outside and nothing starts it again.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
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
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .check("who sent the signal? journalctl -n 50 around that second");
            if scene.blind(SourceId::Kernel) && signal == 9 {
                finding.confidence = Confidence::Possible;
                finding =
                    finding.unseen("whether the kernel killed it for memory", SourceId::Kernel);
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

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, container, container_id, name, unit},
        },
        observation::{SourceId, UnitResult},
    };

    const AT: &str = "127.0.0.1:8000";

    fn killed(signal: i32) -> Host {
        Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).killed(signal, 60))
            .refused(10, AT)
    }

    #[test]
    fn a_main_process_killed_by_hand_stays_dead_without_a_restart_policy() {
        let found = killed(9).root("app-killed-not-restarted");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("no Restart="), "{}", found.summary);
    }

    #[test]
    fn a_memory_kill_of_the_unit_is_why_it_was_killed() {
        let host = killed(9).kill("/system.slice/shop.service", 60, true);
        host.spares("app-killed-not-restarted");
        host.root("oom-cgroup-unit");
    }

    #[test]
    fn a_memory_kill_in_a_unit_of_the_same_name_in_another_container_is_foreign() {
        let path = format!("/docker/{}/system.slice/shop.service", container_id('d').as_str());
        let known = container("other").with(|c| c.id = container_id('d'));
        let host = killed(9).container(known).kill(&path, 60, true);
        host.spares("oom-cgroup-unit");
        host.root("app-killed-not-restarted");
    }

    #[test]
    fn with_the_kernel_log_out_of_sight_it_is_only_possible() {
        let found = killed(9).blind(SourceId::Kernel).root("app-killed-not-restarted");
        assert_eq!(found.confidence, Confidence::Possible);
        assert!(found.missing.iter().any(|m| m.source == SourceId::Kernel));
    }

    #[test]
    fn no_memory_kill_is_needed_to_believe_in_signal_15() {
        let found = killed(15).blind(SourceId::Kernel).root("app-killed-not-restarted");
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_stop_that_took_too_long_is_not_a_killing() {
        let stopped = unit("shop.service").claims(AT).killed(9, 60).result(UnitResult::Timeout);
        Host::passing_to(AT).unit(stopped).refused(10, AT).spares("app-killed-not-restarted");
    }
}
