//! PM2 does not run, or runs without an application that its saved list has.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::{Manager, ManagerKind, Origin, ProgramState, SourceId, UnitName, Wall},
};

use super::{
    program_rule::{about_program, manager_of, missed_programs},
    rule::{Rule, state_words},
};

pub(super) const RULE: Rule = Rule { cause: "pm2-not-resurrected", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_programs(scene)
        .filter(|b| b.who.state == ProgramState::Absent && b.who.id.manager == ManagerKind::Pm2)
        .filter_map(|backing| {
            let program = backing.who;
            let manager = manager_of(scene, program)?;
            let (user, name) = (&manager.user, &program.id.name);
            let boot = boot(scene);
            let before = manager.last_seen.is_none_or(|at| at < boot);
            let (sure, summary) = if manager.running {
                let words = format!("PM2 of {user} runs without {name}, which its saved list has");
                (Confidence::Likely, words)
            } else if before {
                let words = format!(
                    "PM2 of {user} has not run since this host was started at {boot}: {name}, which \
                     its saved list has, was not brought back"
                );
                (Confidence::Confirmed, words)
            } else {
                let words = format!("PM2 of {user} does not run any more, and {name} with it");
                (Confidence::Confirmed, words)
            };
            let mut finding = about_program(scene, backing, RULE.cause, sure, summary)
                .with(
                    format!("the list that PM2 saved has {name}"),
                    Origin::Path(manager.config.clone()),
                    None,
                )
                .with_some(starter(scene, manager))
                .check(format!("as {user}: is it meant to run here? systemctl status pm2-{user}"));
            let starts = |name: &&UnitName| scene.case.units.get(*name).is_some_and(|u| !u.is_up());
            finding.subject.unit = manager.unit.as_ref().filter(starts).cloned();
            finding.since = match manager.running {
                true => finding.since,
                false if before => Some(boot),
                false => manager.last_seen,
            };
            Some(finding)
        })
        .collect()
}

/// When this host was started.
fn boot(scene: &Scene<'_>) -> Wall {
    let now = scene.case.now;
    Wall(now.wall.0.saturating_sub(i64::try_from(now.boot.0).unwrap_or(i64::MAX)))
}

/// The unit that would start PM2 at boot, or that there is none.
fn starter(scene: &Scene<'_>, manager: &Manager) -> Option<Evidence> {
    let name = manager.unit.as_ref()?;
    let what = match scene.case.units.get(name) {
        Some(unit) => state_words(unit),
        None if scene.blind(SourceId::Units) => return None,
        None => format!("there is no {name} that would start PM2 at boot"),
    };
    Some(Evidence { what, origin: Origin::Systemd(name.clone()), at: None })
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago, unit},
            testing_programs::{ProgramSeen, pm2},
        },
        observation::ProgramState,
    };

    const AT: &str = "127.0.0.1:3000";

    fn saved() -> ProgramSeen {
        pm2("shop").claims(AT).state(ProgramState::Absent, "")
    }

    #[test]
    fn a_pm2_that_has_not_run_since_the_boot_was_not_brought_back() {
        let host = Host::passing_to(AT).programs(saved().down()).refused(10, AT);
        let found = host.root("pm2-not-resurrected");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.evidence.iter().any(|e| e.what.contains("there is no pm2-root.service")));
        host.incident("pm2-not-resurrected", Confidence::Confirmed, r"shop");
    }

    #[test]
    fn one_that_ran_a_while_ago_is_said_to_have_ended() {
        let down = saved().down().manager(|m| m.last_seen = Some(ago(120)));
        let found = Host::passing_to(AT).programs(down).refused(10, AT).root("pm2-not-resurrected");
        assert!(found.summary.contains("does not run any more"), "{}", found.summary);
        assert_eq!(found.since, Some(ago(120)));
    }

    #[test]
    fn a_daemon_without_a_saved_application_makes_it_likely() {
        let found =
            Host::passing_to(AT).programs(saved()).refused(10, AT).root("pm2-not-resurrected");
        assert_eq!(found.confidence, Confidence::Likely, "somebody may have deleted it");
    }

    #[test]
    fn an_old_list_is_silent_where_a_unit_serves_the_address_now() {
        let host = Host::passing_to(AT).programs(saved().down());
        host.clone()
            .serves("shop.service", AT, 100)
            .traffic(1, 200, 9)
            .spares("pm2-not-resurrected");
        host.unit(unit("shop.service").claims(AT).stopped(60))
            .refused(10, AT)
            .root("app-unit-stopped");
    }
}
