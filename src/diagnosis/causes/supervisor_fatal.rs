//! Supervisor gave up starting the program.

use crate::{
    diagnosis::{Finding, Scene},
    observation::ManagerKind,
};

use super::{program_rule::given_up, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "supervisor-fatal", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    given_up(scene, ManagerKind::Supervisor, RULE.cause, RULE.cause)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, unit},
            testing_programs::{SUPERVISOR_LOG, program_id, supervisor},
        },
        observation::{ManagerKind, ProgramState},
    };

    const AT: &str = "127.0.0.1:8000";

    fn fatal(error: &'static str) -> Host {
        let shop = supervisor("shop").claims(AT).state(ProgramState::GaveUp, "FATAL");
        Host::passing_to(AT).programs(shop.with(|p| p.error = error.into())).refused(10, AT)
    }

    #[test]
    fn a_program_in_fatal_is_the_cause_and_supervisors_unit_is_not() {
        let host = fatal("Exited too quickly (process log may have details)")
            .unit(unit("supervisor.service"))
            .program_said(
                SUPERVISOR_LOG,
                "2026-11-20 13:59:50,656 INFO gave up: shop entered FATAL state, too many start \
                 retries too quickly",
            );
        let found = host.root("supervisor-fatal");
        assert_eq!(found.subject.program, Some(program_id(ManagerKind::Supervisor, "shop")));
        assert_eq!((found.subject.unit.clone(), found.confidence), (None, Confidence::Confirmed));
        assert!(found.evidence.iter().any(|e| e.what.contains("gave up: shop")));
        host.incident("supervisor-fatal", Confidence::Confirmed, r"shop");
    }

    #[test]
    fn a_command_that_does_not_exist_is_named_as_the_reason() {
        let host = fatal("can't find command '/opt/shop/bin/app'");
        let found = host.root("app-exec-missing");
        assert!(found.explains.contains(&"supervisor-fatal"), "{:?}", found.explains);
        assert!(found.summary.contains("/opt/shop/bin/app"), "{}", found.summary);
        host.incident_of(
            "app-exec-missing-supervisor",
            "app-exec-missing",
            Confidence::Confirmed,
            "shop",
        );
    }

    #[test]
    fn one_that_exited_as_expected_or_was_stopped_is_not_fatal() {
        let with = |state, word| {
            let shop = supervisor("shop").claims(AT).state(state, word).with(|p| p.exit = Some(0));
            Host::passing_to(AT).programs(shop).refused(10, AT)
        };
        with(ProgramState::Exited, "EXITED").root("app-unit-stopped");
        with(ProgramState::Stopped, "STOPPED").root("app-stopped-by-operator");
    }

    #[test]
    fn a_supervisor_that_does_not_run_is_missed_by_its_unit() {
        let shop = supervisor("shop").claims(AT).state(ProgramState::Absent, "");
        let host = Host::passing_to(AT)
            .programs(shop.down())
            .unit(unit("supervisor.service").stopped(60))
            .refused(10, AT);
        let found = host.root("app-unit-stopped");
        assert_eq!(found.subject.unit.map(String::from).as_deref(), Some("supervisor.service"));
        assert_eq!(found.subject.program, None);
    }
}
