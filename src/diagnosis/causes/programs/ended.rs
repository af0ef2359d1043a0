//! The program ended by itself and nobody starts it again, or its manager does not have it.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene, scene::Backing},
    observation::{ManagedProgram, ManagerKind, ProgramState, SourceId, Text},
};

use super::super::program_rule::{
    about_program, ends, facts_of_program, is_silent, last_words, log_command, manager_of,
    missed_programs,
};

const FAILED: &str = "app-unit-failed-exit";
const STOPPED: &str = "app-unit-stopped";
const KILLED: &str = "app-killed-not-restarted";
const CRASHED: &str = "app-crash-signal";

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_programs(scene)
        .filter_map(|backing| {
            let program = backing.who;
            if let Some(found) = by_signal(scene, backing) {
                return Some(found);
            }
            let (manager, name) = (program.id.manager, &program.id.name);
            let runs = manager_of(scene, program).is_some_and(|m| m.running);
            let stopped = || {
                let ids = ["app-stopped-by-operator"];
                facts_of_program(scene, program, &ids).next_back().is_some()
            };
            let (cause, sure, summary) = match (program.state, program.exit) {
                (ProgramState::Exited, _) if stopped() => return None,
                (ProgramState::Exited, Some(0)) => (
                    STOPPED,
                    Confidence::Confirmed,
                    format!("{name} ended by itself without an error, and {manager} does not start it again"),
                ),
                (ProgramState::Exited, Some(code)) => (
                    FAILED,
                    Confidence::Confirmed,
                    format!("{name} ended with status {code}, and {manager} does not start it again"),
                ),
                (ProgramState::Exited, None) => (
                    FAILED,
                    Confidence::Likely,
                    format!("{name} is down and {manager} still counts it as started ({})", program.said),
                ),
                (ProgramState::GaveUp, _) if !manager.takes_orders() => {
                    (FAILED, Confidence::Confirmed, format!("{name} could not be started by {manager}"))
                }
                (ProgramState::Absent, _) if manager == ManagerKind::Pm2 => return None,
                (ProgramState::Absent, _) if runs => (
                    STOPPED,
                    Confidence::Confirmed,
                    format!(
                        "{manager} does not know {name} yet: its configuration has it since it was \
                         last read"
                    ),
                ),
                (ProgramState::Absent, _) => {
                    (STOPPED, Confidence::Confirmed, format!("{manager} does not run, and {name} with it"))
                }
                (ProgramState::Unknown, _) if is_silent(scene, &program.id) => (
                    STOPPED,
                    Confidence::Possible,
                    format!("{name} of {manager} is to listen there, and {manager} does not tell how it is"),
                ),
                _ => return None,
            };
            let next = match program.state {
                ProgramState::Absent if runs => {
                    "is it meant to run? supervisorctl reread, then supervisorctl update".to_owned()
                }
                ProgramState::Absent => format!("why does {manager} not run?"),
                _ => format!("what does it say last? {}", log_command(scene, program)),
            };
            Some(
                about_program(scene, backing, cause, sure, summary)
                    .with_some(last_words(scene, program))
                    .check(next),
            )
        })
        .collect()
}

/// What ended by a signal did not end with an error of its own: somebody sent it, or it crashed.
fn by_signal(scene: &Scene<'_>, backing: &Backing<'_, ManagedProgram>) -> Option<Finding> {
    let program = backing.who;
    if program.state != ProgramState::Exited {
        return None;
    }
    let line = ends(scene, program).next_back()?;
    let signal = line.captures.get("sig").map(Text::raw)?;
    let (cause, how) = match signal {
        "SIGKILL" | "SIGTERM" | "SIGHUP" | "SIGINT" | "SIGQUIT" => (KILLED, "was killed by"),
        "SIGSEGV" | "SIGABRT" | "SIGBUS" | "SIGILL" | "SIGFPE" | "SIGTRAP" => {
            (CRASHED, "crashed with")
        }
        _ => return None,
    };
    let (name, manager) = (&program.id.name, program.id.manager);
    let summary = format!("{name} {how} {signal}, and {manager} does not start it again");
    let mut finding = about_program(scene, backing, cause, Confidence::Confirmed, summary)
        .with_some(Some(Scene::quote(line)));
    if signal == "SIGKILL" && scene.blind(SourceId::Kernel) {
        finding.confidence = Confidence::Possible;
        finding = finding.unseen("whether the kernel killed it for memory", SourceId::Kernel);
    }
    if cause == KILLED {
        return Some(
            finding.check("who sent the signal? Its own log was cut off and says nothing"),
        );
    }
    let words: Option<Evidence> = last_words(scene, program);
    let next = format!("what does it say last? {}", log_command(scene, program));
    Some(finding.with_some(words).check(next))
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::Host,
            testing_programs::{SOCKET, SUPERVISOR_LOG, openrc, runit, supervisor},
        },
        observation::{ProgramState, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn a_program_that_ended_with_an_error_and_is_left_so_is_told_with_its_status() {
        let shop = supervisor("shop").claims(AT).state(ProgramState::Exited, "EXITED");
        let host = Host::passing_to(AT).programs(shop.with(|p| p.exit = Some(3))).refused(10, AT);
        let found = host.root("app-unit-failed-exit");
        assert!(found.summary.contains("status 3") && found.subject.program.is_some());
    }

    #[test]
    fn a_program_that_was_killed_is_not_told_as_one_that_failed_by_itself() {
        let shop = supervisor("shop").claims(AT).state(ProgramState::Exited, "EXITED");
        let host = Host::passing_to(AT).programs(shop.with(|p| p.exit = Some(-1))).refused(10, AT);
        let ended = |how: &str| {
            let line = format!("2026-11-20 13:59:50,807 WARN exited: shop ({how}; not expected)");
            host.clone().program_said(SUPERVISOR_LOG, &line)
        };
        let found = ended("terminated by SIGKILL").root("app-killed-not-restarted");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("SIGKILL"), "{}", found.summary);
        ended("terminated by SIGKILL").spares("app-unit-failed-exit");
        ended("terminated by SIGSEGV (core dumped)").root("app-crash-signal");
        ended("exit status 3").root("app-unit-failed-exit");
        // Without the kernel's word it may have been for memory.
        let blind = ended("terminated by SIGKILL").blind(SourceId::Kernel);
        assert_eq!(blind.root("app-killed-not-restarted").confidence, Confidence::Possible);
    }

    #[test]
    fn a_program_of_a_supervisor_that_hangs_is_only_possible() {
        let shop = supervisor("shop").claims(AT).state(ProgramState::Unknown, "");
        let host = Host::passing_to(AT).programs(shop).refused(10, AT);
        let found = host.blind_to(SourceId::Managers, SOCKET).root("app-unit-stopped");
        assert_eq!(found.confidence, Confidence::Possible);
        assert!(found.missing.iter().any(|m| m.source == SourceId::Managers));
    }

    #[test]
    fn a_program_that_supervisor_has_not_read_yet_is_told_so() {
        let shop = supervisor("shop").claims(AT).state(ProgramState::Absent, "");
        let found = Host::passing_to(AT).programs(shop).refused(10, AT).root("app-unit-stopped");
        assert!(found.next_check.unwrap().contains("reread"));
    }

    #[test]
    fn services_of_openrc_and_runit_are_told_by_their_states() {
        let crashed = openrc("shop").claims(AT).state(ProgramState::Exited, "crashed");
        Host::passing_to(AT).programs(crashed).refused(10, AT).root("app-unit-failed-exit");
        let down = runit("shop").claims(AT).state(ProgramState::Stopped, "stopped");
        Host::passing_to(AT).programs(down).refused(10, AT).root("app-stopped-by-operator");
    }
}
