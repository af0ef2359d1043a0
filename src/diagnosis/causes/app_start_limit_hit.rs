//! systemd gave the unit up because it was started too often.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Unit, UnitActive, UnitResult},
};

use super::rule::{Rule, about_unit, fatal_signal, last_words, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-start-limit-hit", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| b.who.active == UnitActive::Failed)
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_of_unit(unit, &["app-start-limit-hit"]).next_back();
            // `Result` keeps the failure of the last run when automatic restarts ran into the
            // limit, so the restart counter decides together with the policy.
            let counted = unit.start_limit_burst > 0
                && unit.start_limit_interval_us > 0
                && unit.restarts.saturating_add(1) >= unit.start_limit_burst
                && would_restart(unit);
            if unit.result != UnitResult::StartLimitHit && line.is_none() && !counted {
                return None;
            }
            let how = match fatal_signal(unit) {
                Some(signal) => format!("killed by signal {signal} each time"),
                None => "it ended each time".to_owned(),
            };
            let summary = format!(
                "{} was started too often and given up ({how}; {} automatic restarts, limit {})",
                unit.name, unit.restarts, unit.start_limit_burst
            );
            Some(
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(line.map(Scene::quote))
                    .with_some(last_words(scene, unit))
                    .check(format!("why does it end? journalctl -u {} -n 30", unit.name)),
            )
        })
        .collect()
}

/// Whether the policy starts the unit again after such an end (systemd.service(5), `Restart=`).
fn would_restart(unit: &Unit) -> bool {
    match unit.restart_policy.raw() {
        "no" | "" => false,
        "on-success" => unit.result == UnitResult::Success,
        "on-abnormal" => unit.result != UnitResult::ExitCode,
        "on-abort" => matches!(unit.result, UnitResult::Signal | UnitResult::CoreDump),
        "on-watchdog" => unit.result == UnitResult::Watchdog,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, name, unit},
        },
        observation::UnitResult,
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn the_restart_counter_proves_it_although_the_result_keeps_the_last_exit() {
        let given_up = unit("shop.service").claims(AT).exited(1, 60).restarts(5, "on-failure");
        let found = Host::passing_to(AT).unit(given_up).refused(10, AT).root("app-start-limit-hit");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"app-unit-failed-exit"));
    }

    #[test]
    fn starts_by_hand_run_into_the_limit_too() {
        let given_up =
            unit("shop.service").claims(AT).exited(0, 60).result(UnitResult::StartLimitHit);
        Host::passing_to(AT).unit(given_up).refused(10, AT).root("app-start-limit-hit");
    }

    #[test]
    fn a_unit_that_failed_once_hit_no_limit() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).exited(1, 60))
            .refused(10, AT);
        host.spares("app-start-limit-hit");
        host.root("app-unit-failed-exit");
    }

    #[test]
    fn a_policy_that_does_not_restart_after_an_exit_reaches_no_limit() {
        let crashed_before =
            unit("shop.service").claims(AT).exited(1, 60).restarts(7, "on-abnormal");
        Host::passing_to(AT).unit(crashed_before).refused(10, AT).spares("app-start-limit-hit");
    }

    #[test]
    fn a_limit_that_is_switched_off_is_not_reached() {
        let prevented = unit("shop.service").claims(AT).exited(255, 60).restarts(9, "always");
        let host = Host::passing_to(AT)
            .unit(prevented.with(|u| u.start_limit_interval_us = 0))
            .refused(10, AT);
        host.spares("app-start-limit-hit");
    }
}
