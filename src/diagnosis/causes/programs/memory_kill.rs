//! The kernel killed a managed program for memory.
//!
//! The kernel names a pid and the control group, which is that of the manager and all its programs.
//! What ties the kill to one of them is its manager's log: it saw that one killed in the same moment.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{KernelKill, KillScope, ManagedProgram, Origin, Owner},
};

use super::super::program_rule::{about_program, ends, manager_of};

/// Seconds between the kill and the manager's line.
const APART: i64 = 3;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.programs() {
        if !backing.missing && !scene.failing_lately(&backing.chains) {
            continue;
        }
        let program = backing.who;
        let Some((kill, line)) = killed(scene, program) else { continue };
        let (cause, whose) = match kill.scope {
            KillScope::Cgroup(_) => {
                ("oom-cgroup-unit", "its manager's group ran out of its memory")
            }
            KillScope::Host | KillScope::Nodes => ("oom-global", "the host ran out of memory"),
        };
        let summary =
            format!("{} was killed by the kernel at {}: {whose}", program.id.name, kill.at);
        let mut finding = about_program(scene, backing, cause, Confidence::Confirmed, summary)
            .with(kill.text.to_string(), Origin::KernelLog, Some(kill.at))
            .with_some(line.map(Scene::quote))
            .since(Some(kill.at));
        if let Some(limit) = kill.limit {
            let words =
                format!("the limit is {} MiB, the victim held {} MiB", limit >> 20, kill.rss >> 20);
            finding = finding.with(words, Origin::KernelLog, None);
        }
        found.push(finding);
    }
    found
}

/// The newest kill of a program in the window, with the line that ties it to the program.
fn killed<'s>(
    scene: &'s Scene<'_>,
    program: &'s ManagedProgram,
) -> Option<(&'s KernelKill, Option<&'s LogFact>)> {
    let unit = manager_of(scene, program)?.unit.clone();
    let group = |kill: &KernelKill| match &kill.owner {
        Some(Owner::Unit(of)) => unit.as_ref().is_none_or(|unit| of == unit || !of.is_service()),
        _ => unit.is_none(),
    };
    let kills = scene.case.kills.iter().rev().filter(|k| k.at >= scene.incident.window && group(k));
    for kill in kills {
        let sees = |fact: &&LogFact| {
            fact.captures.get("sig").is_some_and(|sig| sig.raw() == "SIGKILL")
                && fact.at.since(kill.at).as_secs().abs() <= APART
        };
        if let Some(line) = ends(scene, program).find(sees) {
            return Some((kill, Some(line)));
        }
        if program.tree.contains(&kill.pid) {
            return Some((kill, None));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::Host,
        testing_programs::{SUPERVISOR_LOG, supervisor},
    };

    const AT: &str = "127.0.0.1:8000";
    const GROUP: &str = "/system.slice/supervisor.service";

    fn killed(prog: &str) -> Host {
        let line = format!(
            "2026-11-20 13:59:50,807 WARN exited: {prog} (terminated by SIGKILL; not expected)"
        );
        Host::passing_to(AT)
            .programs(supervisor("shop").claims(AT).runs(100))
            .listens(AT, 100)
            .kill(GROUP, 10, true)
            .closed(10, AT)
            .program_said(SUPERVISOR_LOG, &line)
    }

    #[test]
    fn a_kill_that_supervisor_saw_end_this_program_is_its_cause() {
        let found = killed("shop").root("oom-cgroup-unit");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.subject.program.is_some() && found.subject.unit.is_none());
    }

    #[test]
    fn a_kill_of_another_program_of_the_same_supervisor_convicts_nobody() {
        killed("mailer").spares("oom-cgroup-unit");
    }
}
