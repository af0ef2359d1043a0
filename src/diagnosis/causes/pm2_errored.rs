//! PM2 gave up starting the application.

use crate::{
    diagnosis::{Finding, Scene},
    observation::ManagerKind,
};

use super::{program_rule::given_up, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "pm2-errored", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    given_up(scene, ManagerKind::Pm2, RULE.cause, RULE.cause)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, ago, unit},
            testing_programs::{HOME, PM2_LOG, pm2, program_id, supervisor},
        },
        observation::{ManagerKind, ProgramState, SourceId},
    };

    const AT: &str = "127.0.0.1:3000";

    fn errored() -> Host {
        let shop = pm2("shop").claims(AT).state(ProgramState::GaveUp, "errored");
        Host::passing_to(AT).programs(shop.with(|p| p.exit = Some(1))).refused(10, AT)
    }

    #[test]
    fn an_application_that_pm2_gave_up_is_the_cause_and_not_pm2s_unit() {
        let host = errored().unit(unit("pm2-root.service"));
        let found = host.root("pm2-errored");
        assert_eq!(found.subject.program, Some(program_id(ManagerKind::Pm2, "shop")));
        assert_eq!((found.subject.unit.clone(), found.confidence), (None, Confidence::Confirmed));
        assert!(found.explains.contains(&"sym-tcp-refused"));
        host.incident("pm2-errored", Confidence::Confirmed, r"shop");
    }

    #[test]
    fn one_with_a_restart_delay_is_told_by_pm2s_log_because_its_state_says_waiting() {
        let line = "2026-11-20T13:59:00: PM2 log: Script /srv/shop/app.js had too many unstable \
                    restarts (16). Stopped. \"errored\"";
        let waits = || pm2("shop").claims(AT).state(ProgramState::Waiting, "waiting restart");
        let host =
            Host::passing_to(AT).programs(waits()).refused(10, AT).program_said(PM2_LOG, line);
        host.root("pm2-errored");
        host.spares("app-restart-loop");
        let since = waits().with(|p| p.started = Some(ago(5)));
        let host = Host::passing_to(AT).programs(since).refused(10, AT).program_said(PM2_LOG, line);
        host.spares("pm2-errored");
    }

    #[test]
    fn what_its_log_names_stands_above_it() {
        let found = errored()
            .program_said(
                &format!("{HOME}/logs/shop-error.log"),
                "Error: Cannot find module 'express'",
            )
            .root("app-boot-failure");
        assert!(found.explains.contains(&"pm2-errored"), "{:?}", found.explains);
        assert!(found.subject.program.is_some());
    }

    #[test]
    fn a_line_of_an_earlier_run_does_not_convict() {
        let shop = pm2("shop").claims(AT).state(ProgramState::GaveUp, "errored").with(|p| {
            p.last_words = p.started.map(|at| at.minus_secs(86_400));
        });
        Host::passing_to(AT)
            .programs(shop)
            .refused(10, AT)
            .program_said(&format!("{HOME}/logs/shop-error.log"), "Error: Cannot find module 'x'")
            .root("pm2-errored");
    }

    #[test]
    fn one_that_was_stopped_or_serves_or_is_elsewhere_is_not_errored() {
        let with = |of: crate::diagnosis::testing_programs::ProgramSeen| {
            Host::passing_to(AT).programs(of).refused(10, AT)
        };
        with(pm2("shop").claims(AT).state(ProgramState::Stopped, "stopped")).spares("pm2-errored");
        with(pm2("other").claims("127.0.0.1:4000").state(ProgramState::GaveUp, "errored"))
            .spares("pm2-errored");
        with(supervisor("shop").claims(AT).state(ProgramState::GaveUp, "FATAL"))
            .spares("pm2-errored");
        let one_of_two = pm2("shop").claims(AT).runs(100).with(|p| p.wanted = 2);
        Host::passing_to(AT).programs(one_of_two).listens(AT, 100).spares("pm2-errored");
    }

    #[test]
    fn while_pm2_does_not_answer_it_is_only_possible() {
        let found = errored().blind_to(SourceId::Managers, HOME).root("pm2-errored");
        assert_eq!(found.confidence, Confidence::Possible);
        let other = errored().blind_to(SourceId::Managers, "/home/bob/.pm2").root("pm2-errored");
        assert_eq!(
            other.confidence,
            Confidence::Confirmed,
            "another home says nothing of this one"
        );
    }
}
