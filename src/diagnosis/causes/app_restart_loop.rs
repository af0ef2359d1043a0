//! The unit ends and is started again, over and over.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::Backing, sight::hides_failures},
    observation::{SourceId, Unit, UnitActive},
};

use super::rule::{Rule, about_unit, last_words};

pub(super) const RULE: Rule = Rule { cause: "app-restart-loop", judge };

/// Restarts within the window from which it is a loop.
const LOOP: usize = 3;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .units()
        .iter()
        .filter_map(|backing| {
            let unit = backing.who;
            let lines: Vec<_> = scene.facts_of_unit(unit, &["app-restart-loop"]).collect();
            let waiting = unit.active == UnitActive::Activating && unit.sub.raw() == "auto-restart";
            if unit.active == UnitActive::Failed || unit.active == UnitActive::Inactive {
                return None;
            }
            let looping = lines.len() >= LOOP || (waiting && unit.restarts as usize >= LOOP);
            if !looping && unit.is_up() {
                return unread(scene, backing);
            }
            if !looping || !(backing.missing || scene.failing_lately(&backing.chains)) {
                return None;
            }
            let summary = format!(
                "{} keeps ending and being started again ({} automatic restarts so far)",
                unit.name, unit.restarts
            );
            Some(
                about_unit(scene, backing, RULE.cause, Confidence::Confirmed, summary)
                    .with_some(lines.last().map(|fact| Scene::quote(fact)))
                    .with_some(last_words(scene, unit))
                    .check(format!("why does it end? journalctl -u {} -n 30", unit.name)),
            )
        })
        .collect()
}

/// A unit that was started again by itself, often and lately, with the journal out of sight that
/// would tell how often in this incident.
fn unread(scene: &Scene<'_>, backing: &Backing<'_, Unit>) -> Option<Finding> {
    let unit = backing.who;
    let at = unit.exec_start.filter(|at| *at >= scene.incident.window)?;
    let often = unit.restarts as usize >= LOOP && scene.blind(SourceId::Journal);
    let may_fail = || {
        backing.missing
            || scene.failing_lately(&backing.chains)
            || hides_failures(scene, &backing.chains)
    };
    if !often || !may_fail() {
        return None;
    }
    let summary = format!(
        "{} was started again by systemd {} times, the last time at {at}",
        unit.name, unit.restarts
    );
    Some(
        about_unit(scene, backing, RULE.cause, Confidence::Possible, summary)
            .since(Some(at))
            .unseen("when and why it ended each time", SourceId::Journal)
            .check(format!("journalctl -u {} -n 30, as root", unit.name)),
    )
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, name, unit},
        },
        observation::SourceId,
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn a_unit_that_waits_for_its_fourth_restart_loops() {
        let looping = unit("shop.service").claims(AT).exited(1, 2).restarts(4, "always").waiting();
        let found = Host::passing_to(AT).unit(looping).refused(2, AT).root("app-restart-loop");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"app-unit-failed-exit"));
    }

    #[test]
    fn a_unit_that_systemd_gave_up_does_not_loop_any_more() {
        let given_up = unit("shop.service").claims(AT).exited(1, 60).restarts(5, "always");
        let host = Host::passing_to(AT)
            .unit(given_up)
            .systemd("shop.service", 61, "Scheduled restart job, restart counter is at 3.")
            .systemd("shop.service", 61, "Scheduled restart job, restart counter is at 4.")
            .systemd("shop.service", 61, "Scheduled restart job, restart counter is at 5.")
            .refused(10, AT);
        host.spares("app-restart-loop");
        host.root("app-start-limit-hit");
    }

    /// Up again for some seconds, after restarts of which the journal would tell.
    fn up_again(secs: i64, restarts: u32) -> Host {
        let up = unit("shop.service").claims(AT).up_since(secs).restarts(restarts, "always");
        let host = Host::passing_to(AT).unit(up).process(100, "app", "shop.service");
        host.listens(AT, 100).blind(SourceId::Journal)
    }

    #[test]
    fn many_restarts_are_a_possibility_where_neither_journal_nor_requests_are_seen() {
        let found = up_again(20, 4).blind(SourceId::Logs).root("app-restart-loop");
        assert_eq!(found.confidence, Confidence::Possible);
        assert!(found.missing.iter().any(|m| m.source == SourceId::Journal));
    }

    #[test]
    fn restarts_that_are_few_or_long_ago_or_hurt_nobody_are_none() {
        up_again(20, 1).blind(SourceId::Logs).spares("app-restart-loop");
        up_again(7_200, 9).blind(SourceId::Logs).spares("app-restart-loop");
        up_again(20, 4).traffic(1, 200, 9).spares("app-restart-loop");
    }

    #[test]
    fn one_automatic_restart_is_no_loop() {
        let once = unit("shop.service").claims(AT).up_since(50).restarts(1, "always");
        Host::passing_to(AT)
            .unit(once)
            .systemd("shop.service", 51, "Scheduled restart job, restart counter is at 1.")
            .process(100, "app", "shop.service")
            .listens(AT, 100)
            .refused(52, AT)
            .spares("app-restart-loop");
    }
}
