//! Why systemd could not run a unit, or ended it: what its state and systemd's own words prove, one
//! row each.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::Backing},
    evidence::LogFact,
    observation::{SourceId, Unit, UnitExit, UnitResult, Wall},
};

use super::rule::{about_unit, missed_units};

/// What the state of a unit says of a cause.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The state proves it.
    Yes,
    /// The state fits, and a line has to tell it from another cause.
    Perhaps,
    /// The state speaks against it, whatever a line says.
    No,
}

/// One such cause.
struct Row {
    /// Cause, which is also the id of systemd's lines.
    cause: &'static str,
    /// What the state says.
    judge: fn(&Unit) -> Verdict,
    /// What is wrong, after the unit's name.
    says: fn(&Unit) -> String,
    /// The cheapest next check.
    check: fn(&Unit) -> String,
}

static ROWS: [Row; 6] = [
    Row {
        cause: "app-exec-missing",
        judge: |u| exits(u, &[203]),
        says: |u| match program(u) {
            Some(path) => format!("cannot be started: {path} is missing or may not be run"),
            None => "cannot be started: its program is missing or may not be run".to_owned(),
        },
        check: |u| format!("ls -lL {}", program(u).unwrap_or("the file in ExecStart=")),
    },
    Row {
        cause: "app-workdir-or-user-missing",
        judge: |u| exits(u, &[200, 216, 217, 226, 233, 238, 239, 240, 241, 243]),
        says: |u| format!("cannot be started: systemd could not prepare {}", prepared(u)),
        check: |u| format!("systemctl cat {}: does what it names exist?", u.name),
    },
    Row {
        cause: "app-env-missing",
        judge: |u| match (u.result, u.environment_files.is_empty()) {
            (UnitResult::Resources, false) => Verdict::Perhaps,
            (UnitResult::Resources, true) => Verdict::No,
            _ if u.is_up() => Verdict::No,
            _ => Verdict::Perhaps,
        },
        says: |u| match u.environment_files.as_slice() {
            [one] => format!("cannot be started: its environment file {one} cannot be read"),
            _ => "cannot be started: one of its environment files cannot be read".to_owned(),
        },
        check: |u| match u.environment_files.first() {
            Some(file) => format!("ls -l {file}"),
            None => format!("systemctl cat {}, then look for its EnvironmentFile=", u.name),
        },
    },
    Row {
        cause: "app-unit-start-timeout",
        judge: |u| match u.result {
            UnitResult::Protocol => Verdict::Yes,
            UnitResult::Timeout if never_ready(u) => Verdict::Yes,
            _ => Verdict::No,
        },
        says: |u| {
            match (u.kind.raw(), u.start_timeout_us) {
            ("forking", _) => "did not come up: it is Type=forking and never daemonised, or its PIDFile= was not written".to_owned(),
            (kind, Some(us)) => format!("was not ready within {} (Type={kind}) and was ended", secs(us)),
            (kind, None) => format!("was not ready in time (Type={kind}) and was ended"),
        }
        },
        check: |u| format!("systemctl cat {}: Type=, PIDFile=, TimeoutStartSec=", u.name),
    },
    Row {
        cause: "app-unit-watchdog",
        judge: |u| match u.result {
            UnitResult::Watchdog => Verdict::Yes,
            _ => Verdict::No,
        },
        says: |u| match u.watchdog_us {
            Some(us) => format!("hung: systemd got no sign of life for {} and killed it", secs(us)),
            None => "hung: systemd got no sign of life and killed it".to_owned(),
        },
        check: |u| format!("journalctl -u {} -n 50: what was it doing before?", u.name),
    },
    Row {
        cause: "app-runtime-max",
        judge: |u| match u.runtime_max_us {
            // It had come up, and lived as long as it may.
            Some(us) if u.result == UnitResult::Timeout && !never_ready(u) => {
                if lived(u).is_some_and(|lived| lived >= us.saturating_sub(2_000_000)) {
                    Verdict::Yes
                } else {
                    Verdict::Perhaps
                }
            }
            None if u.result == UnitResult::Timeout && !never_ready(u) => Verdict::Perhaps,
            _ => Verdict::No,
        },
        says: |u| match u.runtime_max_us {
            Some(us) => format!("reached its RuntimeMaxSec= of {} and was ended", secs(us)),
            None => "reached its RuntimeMaxSec= and was ended".to_owned(),
        },
        check: |u| format!("systemctl cat {}: RuntimeMaxSec=, Restart=", u.name),
    },
];

/// Ids of these causes.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.cause)
}

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let units: Vec<_> = missed_units(scene).collect();
    ROWS.iter().flat_map(|row| units.iter().filter_map(|b| one(scene, b, row))).collect()
}

fn one(scene: &Scene<'_>, backing: &Backing<'_, Unit>, row: &Row) -> Option<Finding> {
    let unit = backing.who;
    if unit.is_up() {
        return None;
    }
    let ids = [row.cause];
    let line = scene.facts_since_start(unit, &ids).next_back();
    let verdict = (row.judge)(unit);
    let sure = match (verdict, line) {
        (Verdict::Yes, _) | (Verdict::Perhaps, Some(_)) => Confidence::Confirmed,
        (Verdict::Perhaps, None) if explains_alone(unit, row) => Confidence::Likely,
        _ => return None,
    };
    let summary = format!("{} {}", unit.name, (row.says)(unit));
    let mut finding = about_unit(scene, backing, row.cause, sure, summary)
        .with_some(line.map(Scene::quote))
        .check((row.check)(unit));
    if sure < Confidence::Confirmed && scene.blind(SourceId::Journal) {
        finding = finding.unseen("systemd's own words about it", SourceId::Journal);
    }
    finding.subject.path = program(unit)
        .filter(|_| row.cause == "app-exec-missing")
        .map(crate::observation::Text::new);
    Some(finding.since(line.map(since).or(unit.inactive_enter).or(scene.incident.first)))
}

fn since(line: &LogFact) -> Wall {
    line.at
}

/// Whether a state that only fits has no other cause that this program knows.
fn explains_alone(unit: &Unit, row: &Row) -> bool {
    row.cause == "app-env-missing"
        && unit.result == UnitResult::Resources
        && unit.exit == UnitExit::None
}

fn exits(unit: &Unit, statuses: &[i32]) -> Verdict {
    match unit.exit {
        UnitExit::Exited(status) if statuses.contains(&status) => Verdict::Yes,
        // systemd forgets how a unit ended that nothing refers to; its journal does not.
        UnitExit::None => Verdict::Perhaps,
        _ => Verdict::No,
    }
}

/// Whether it was never ready in its last run.
fn never_ready(unit: &Unit) -> bool {
    match (unit.active_enter, unit.exec_start) {
        (Some(ready), Some(began)) => ready < began,
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// How long it was up in its last run, microseconds.
fn lived(unit: &Unit) -> Option<u64> {
    let (from, to) = unit.active_enter.zip(unit.active_exit.or(unit.inactive_enter))?;
    u64::try_from(to.0.saturating_sub(from.0)).ok()
}

fn program(unit: &Unit) -> Option<&str> {
    unit.commands.first()?.raw().split_whitespace().next()
}

/// What systemd could not prepare, by its exit status (systemd.exec(5), "Process Exit Codes").
fn prepared(unit: &Unit) -> &'static str {
    let UnitExit::Exited(status) = unit.exit else { return "what it names" };
    match status {
        200 => "its working directory (WorkingDirectory=, RootDirectory=)",
        216 => "its group (Group=, SupplementaryGroups=)",
        217 => "its user (User=): is there such a user?",
        226 => "its name space: a path of ReadWritePaths=, BindPaths= or the like is missing",
        233 => "its runtime directory (RuntimeDirectory=)",
        238 => "its state directory (StateDirectory=)",
        239 => "its cache directory (CacheDirectory=)",
        240 => "its log directory (LogsDirectory=)",
        241 => "its configuration directory (ConfigurationDirectory=)",
        243 => "its credentials (LoadCredential=, SetCredential=)",
        _ => "what it names",
    }
}

fn secs(us: u64) -> String {
    if us >= 1_000_000 { format!("{} s", us / 1_000_000) } else { format!("{} ms", us / 1_000) }
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, UnitSeen, ago, name, unit},
        },
        observation::{SourceId, UnitExit, UnitResult},
    };

    const AT: &str = "127.0.0.1:8000";
    const SHOP: &str = "shop.service";

    fn host(shop: UnitSeen) -> Host {
        Host::passing_to(AT).unit(shop.claims(AT)).refused(10, AT)
    }

    #[test]
    fn a_program_that_is_not_there_is_told_with_its_path_and_above_the_states() {
        let gone =
            unit(SHOP).exited(203, 60).with(|u| u.commands = vec!["/opt/shop/bin --x".into()]);
        let host = host(gone)
            .systemd(SHOP, 60, "Main process exited, code=exited, status=203/EXEC")
            .systemd(SHOP, 60, "Failed with result 'exit-code'.");
        host.incident("app-exec-missing", Confidence::Confirmed, r"shop\.service");
        let found = host.root("app-exec-missing");
        assert!(found.summary.contains("/opt/shop/bin"), "{}", found.summary);
        assert!(found.explains.contains(&"app-unit-failed-exit"));
    }

    #[test]
    fn an_exit_status_of_the_program_itself_is_its_own_error() {
        for status in [1, 127, 126, 202, 204] {
            host(unit(SHOP).exited(status, 60)).root("app-unit-failed-exit");
        }
    }

    #[test]
    fn what_systemd_cannot_prepare_is_named_by_its_status() {
        let words = |status| {
            host(unit(SHOP).exited(status, 60)).root("app-workdir-or-user-missing").summary
        };
        assert!(words(200).contains("WorkingDirectory="));
        assert!(words(217).contains("User="));
        assert!(words(226).contains("ReadWritePaths="));
        host(unit(SHOP).exited(217, 60))
            .systemd(SHOP, 60, "Main process exited, code=exited, status=217/USER")
            .incident("app-workdir-or-user-missing", Confidence::Confirmed, r"shop\.service");
    }

    fn without_environment() -> UnitSeen {
        unit(SHOP).exited(0, 60).result(UnitResult::Resources).with(|u| {
            u.exit = UnitExit::None;
            u.environment_files = vec!["/etc/shop/env".into()];
        })
    }

    #[test]
    fn a_missing_environment_file_is_confirmed_by_systemds_words() {
        let host = host(without_environment()).systemd(
            SHOP,
            60,
            "Failed to load environment files: No such file or directory",
        );
        host.incident("app-env-missing", Confidence::Confirmed, r"shop\.service");
        assert!(host.root("app-env-missing").summary.contains("/etc/shop/env"));
    }

    #[test]
    fn resources_that_lack_for_another_reason_are_no_missing_file() {
        assert_eq!(
            host(without_environment()).root("app-env-missing").confidence,
            Confidence::Likely
        );
        let no_file = without_environment().with(|u| u.environment_files.clear());
        host(no_file).spares("app-env-missing");
    }

    #[test]
    fn a_service_that_never_said_that_it_is_ready_ran_into_its_start_timeout() {
        let slow = unit(SHOP).exited(0, 60).result(UnitResult::Timeout).with(|u| {
            u.kind = "notify".into();
            u.exit = UnitExit::Killed(15);
            u.active_enter = None;
            u.exec_start = Some(ago(150));
            u.start_timeout_us = Some(90_000_000);
        });
        let host = host(slow).systemd(SHOP, 60, "start operation timed out. Terminating.");
        host.incident("app-unit-start-timeout", Confidence::Confirmed, r"shop\.service");
        let found = host.root("app-unit-start-timeout");
        assert!(found.summary.contains("90 s (Type=notify)"), "{}", found.summary);
    }

    #[test]
    fn a_unit_that_was_up_and_timed_out_while_stopping_did_not_time_out_at_its_start() {
        let stubborn = unit(SHOP).up_since(5_000).exited(0, 60).result(UnitResult::Timeout);
        host(stubborn).spares("app-unit-start-timeout");
    }

    #[test]
    fn a_unit_that_lived_as_long_as_it_may_reached_its_limit() {
        let old = |lived: i64| {
            unit(SHOP).up_since(60 + lived).exited(0, 60).result(UnitResult::Timeout).with(|u| {
                u.exit = UnitExit::Killed(15);
                u.runtime_max_us = Some(3_600_000_000);
            })
        };
        host(old(3_600))
            .systemd(SHOP, 60, "Service reached runtime time limit. Stopping.")
            .incident("app-runtime-max", Confidence::Confirmed, r"shop\.service");
        host(old(3_600)).root("app-runtime-max");
        host(old(600)).spares("app-runtime-max");
    }

    #[test]
    fn a_hung_service_was_killed_by_the_watchdog_and_not_by_a_crash() {
        let hung = unit(SHOP).killed(6, 60).result(UnitResult::Watchdog).with(|u| {
            u.exit = UnitExit::Dumped(6);
            u.watchdog_us = Some(30_000_000);
        });
        let host = host(hung).systemd(SHOP, 61, "Watchdog timeout (limit 30s)!").systemd(
            SHOP,
            60,
            "Main process exited, code=dumped, status=6/ABRT",
        );
        host.incident("app-unit-watchdog", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn words_about_an_earlier_run_prove_nothing_of_the_last_one() {
        let stopped = unit(SHOP).up_since(3_000).stopped(60);
        host(stopped)
            .systemd(SHOP, 4_000, "Failed to load environment files: No such file or directory")
            .spares("app-env-missing");
        let ended = unit(SHOP).up_since(3_000).exited(1, 60);
        host(ended)
            .systemd(SHOP, 4_000, "Main process exited, code=exited, status=203/EXEC")
            .spares("app-exec-missing");
    }

    #[test]
    fn a_unit_of_another_upstream_stays_outside() {
        Host::passing_to(AT)
            .serves(SHOP, AT, 100)
            .unit(unit("backup.service").claims("127.0.0.1:9999").exited(203, 60))
            .traffic(1, 200, 10)
            .spares("app-exec-missing");
    }

    #[test]
    fn a_unit_that_is_only_the_one_left_is_at_most_possible() {
        let found = Host::passing_to(AT).unit(unit(SHOP).exited(203, 60)).refused(10, AT);
        assert_eq!(found.root("app-exec-missing").confidence, Confidence::Possible);
        assert_eq!(found.root("app-exec-missing").subject.unit, Some(name(SHOP)));
    }

    #[test]
    fn units_out_of_sight_leave_it_possible() {
        let host = host(unit(SHOP).exited(203, 60)).blind(SourceId::Units);
        assert_eq!(host.root("app-exec-missing").confidence, Confidence::Possible);
    }
}
