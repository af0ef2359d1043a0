//! A process manager was told to stop the program.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{ManagerKind, ProgramState},
};

use super::{
    program_rule::{about_program, facts_of_program, missed_programs},
    rule::Rule,
};

pub(super) const RULE: Rule = Rule { cause: "app-stopped-by-operator", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_programs(scene)
        .filter_map(|backing| {
            let program = backing.who;
            let line = facts_of_program(scene, program, &[RULE.cause]).next_back();
            // PM2 calls it stopped too when one that it does not start again ended by itself.
            let told = program.state == ProgramState::Stopped
                || (program.state == ProgramState::Exited && line.is_some());
            if !told {
                return None;
            }
            let (manager, name) = (program.id.manager, &program.id.name);
            // PM2 has started whatever it knows; the others know programs that never ran.
            let never = manager != ManagerKind::Pm2 && program.started.is_none();
            let ran = !never || line.is_some();
            let summary = match program.stopped.or(line.map(|line| line.at)) {
                Some(at) => format!("{name} was stopped in {manager} at {at}"),
                None if ran => format!("{name} was stopped in {manager}: nobody starts it again"),
                None => format!("{name} is known to {manager} and was not started"),
            };
            let sure = if ran { Confidence::Confirmed } else { Confidence::Likely };
            let mut finding = about_program(scene, backing, RULE.cause, sure, summary)
                .with_some(line.map(Scene::quote))
                .check("who stopped it, and why? the manager's log, and who was logged in");
            finding.since = program.stopped.or(line.map(|line| line.at)).or(finding.since);
            Some(finding)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago},
            testing_programs::{PM2_LOG, pm2, supervisor},
        },
        observation::ProgramState,
    };

    const AT: &str = "127.0.0.1:3000";

    #[test]
    fn a_program_that_supervisor_was_told_to_stop_is_down_on_purpose() {
        let shop = supervisor("shop").claims(AT).state(ProgramState::Stopped, "STOPPED");
        let host =
            Host::passing_to(AT).programs(shop.with(|p| p.stopped = Some(ago(60)))).refused(10, AT);
        let found = host.root("app-stopped-by-operator");
        assert_eq!((found.confidence, found.since), (Confidence::Confirmed, Some(ago(60))));
        host.incident("app-stopped-by-operator", Confidence::Confirmed, r"shop");
    }

    #[test]
    fn pm2_tells_it_too() {
        let shop = pm2("shop").claims(AT).state(ProgramState::Stopped, "stopped");
        let host = Host::passing_to(AT).programs(shop).refused(10, AT);
        assert_eq!(host.root("app-stopped-by-operator").confidence, Confidence::Confirmed);
    }

    #[test]
    fn one_that_pm2_does_not_start_again_and_that_ended_by_itself_was_not_stopped() {
        let ended = || {
            pm2("shop").claims(AT).state(ProgramState::Exited, "stopped").with(|p| {
                p.autorestart = Some(false);
                p.exit = Some(1);
            })
        };
        Host::passing_to(AT).programs(ended()).refused(10, AT).root("app-unit-failed-exit");
        Host::passing_to(AT)
            .programs(ended())
            .refused(10, AT)
            .program_said(PM2_LOG, "2026-11-20T13:59:40: PM2 log: Stopping app:shop id:0")
            .root("app-stopped-by-operator");
    }

    #[test]
    fn one_that_was_never_started_is_at_most_likely_stopped() {
        let never =
            supervisor("shop").claims(AT).state(ProgramState::Stopped, "STOPPED").with(|p| {
                p.started = None;
            });
        let found =
            Host::passing_to(AT).programs(never).refused(10, AT).root("app-stopped-by-operator");
        assert_eq!(found.confidence, Confidence::Likely);
    }
}
