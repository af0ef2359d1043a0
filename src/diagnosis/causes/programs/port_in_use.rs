//! Somebody else holds the port or socket that the program needs.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::intruded},
    evidence::topology::Peer,
    observation::{ManagedProgram, Origin, ProgramState},
};

use super::super::{
    app_port_in_use::Held,
    contested::contested,
    program_rule::{about_program, facts_of_program, is_silent, missed_programs, state_words},
};

const CAUSE: &str = "app-port-in-use";

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = by_strangers(scene);
    for (_, program) in scene.case.all_programs().filter(|(_, program)| tries(program)) {
        if !found.iter().any(|f| f.subject.program.as_ref() == Some(&program.id)) {
            found.extend(by_a_twin(scene, program));
        }
    }
    found
}

/// Whether its manager wants it to run, and it does not.
const fn tries(program: &ManagedProgram) -> bool {
    matches!(program.state, ProgramState::GaveUp | ProgramState::Waiting | ProgramState::Starting)
}

/// Where another one that is made for the address came first.
fn by_a_twin(scene: &Scene<'_>, program: &ManagedProgram) -> Option<Finding> {
    let lines = facts_of_program(scene, program, &[CAUSE]);
    let own = |peer: &Peer<'_>| peer.program.is_some_and(|holder| holder.id == program.id);
    let (chain, peer, line) = contested(scene, lines, &program.claims, own)?;
    let held = Held::new(Some(peer), peer.processes.first().copied());
    let silent = is_silent(scene, &program.id);
    let sure = if silent { Confidence::Possible } else { Confidence::Confirmed };
    let mut finding = Finding::new(CAUSE, sure, held.summary(&program.id.to_string()))
        .about(scene.subject(&[chain.index]))
        .with(state_words(program), Origin::Manager(program.id.clone()), program.down_since())
        .with_some(scene.symptom(&[chain.index]))
        .since(program.down_since().or(scene.incident.first));
    finding.subject.program = Some(program.id.clone());
    finding.subject.path = program.logs.first().cloned();
    Some(held.told(finding, Some(line)))
}

/// Where nothing that is made for the address holds it.
fn by_strangers(scene: &Scene<'_>) -> Vec<Finding> {
    missed_programs(scene)
        .filter(|b| {
            let state = b.who.state;
            !matches!(state, ProgramState::Stopped | ProgramState::Absent | ProgramState::Unknown)
        })
        .filter_map(|backing| {
            let program = backing.who;
            let line = facts_of_program(scene, program, &[CAUSE]).next_back();
            let chains = backing.chains.iter().filter_map(|i| scene.chains.get(*i));
            let intruder = chains.flat_map(|chain| &chain.peers).find(|peer| intruded(peer));
            let holder = intruder.and_then(|peer| peer.processes.first().copied());
            let sure = match (line, holder) {
                (Some(_), Some(_)) => Confidence::Confirmed,
                (Some(_), None) | (None, Some(_)) => Confidence::Likely,
                (None, None) => return None,
            };
            let held = Held::new(intruder, holder);
            let summary = held.summary(&program.id.name.to_string());
            Some(held.told(about_program(scene, backing, CAUSE, sure, summary), line))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::Host,
            testing_programs::{HOME, ProgramSeen, pm2, supervisor},
        },
        observation::ProgramState,
    };

    const AT: &str = "127.0.0.1:3000";
    const LINE: &str = "Error: listen EADDRINUSE: address already in use 127.0.0.1:3000";

    fn held(program: ProgramSeen) -> Host {
        Host::passing_to(AT)
            .programs(program)
            .process(700, "node", "session-2.scope")
            .listens(AT, 700)
            .answered(5, 502, Some("502"))
    }

    #[test]
    fn the_process_that_holds_the_port_of_a_program_is_named() {
        let shop = pm2("shop").claims(AT).state(ProgramState::GaveUp, "errored");
        let host = held(shop).program_said(&format!("{HOME}/logs/shop-error.log"), LINE);
        let found = host.root("app-port-in-use");
        assert_eq!((found.subject.pid, found.confidence), (Some(700), Confidence::Confirmed));
        assert!(found.explains.contains(&"pm2-errored"), "{:?}", found.explains);
        host.incident_of("app-port-in-use-pm2", "app-port-in-use", Confidence::Confirmed, r"700");
    }

    #[test]
    fn a_program_that_supervisor_keeps_trying_needs_the_port_as_much() {
        let shop = supervisor("shop").claims(AT).state(ProgramState::Waiting, "BACKOFF");
        let findings = held(shop).diagnose().findings;
        let found = findings.iter().find(|f| f.cause == "app-port-in-use").unwrap();
        assert_eq!(found.confidence, Confidence::Likely);
        assert!(found.explains.contains(&"app-restart-loop"));
    }

    /// Two programs of one manager that both want the port; the first one answers too slowly.
    fn twins(second: ProgramSeen) -> Host {
        const SLOW: &str = "upstream timed out (110: Connection timed out) while reading response header from upstream";
        let old = supervisor("old-shop").claims(AT).runs(700);
        let both = second.manager(|m| m.programs.push(old.program().clone()));
        Host::passing_to(AT)
            .programs(both)
            .process(700, "python3", "supervisor.service")
            .listens(AT, 700)
            .program_said(
                "/var/log/supervisor/shop-stderr.log",
                "[2026-11-20 13:59:00 +0000] [9] [ERROR] Connection in use: ('127.0.0.1', 3000)",
            )
            .nginx(10, SLOW, AT)
    }

    #[test]
    fn of_two_programs_that_want_one_port_the_one_that_got_it_answers_for_the_other() {
        let shop = || supervisor("shop").claims(AT);
        let found = twins(shop().state(ProgramState::GaveUp, "FATAL")).root("app-port-in-use");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("shop") && found.summary.contains("old-shop"), "{found:?}");
        assert!(found.explains.contains(&"proxy-read-timeout"), "{:?}", found.explains);
        assert_eq!(found.subject.pid, Some(700));
        // Whoever stopped it did not mean it to serve.
        let stopped = twins(shop().state(ProgramState::Stopped, "STOPPED"));
        stopped.spares("app-port-in-use");
        stopped.root("proxy-read-timeout");
    }

    #[test]
    fn a_twin_that_answers_well_is_nobodys_trouble() {
        let old = supervisor("old-shop").claims(AT).runs(700);
        let shop = supervisor("shop").claims(AT).state(ProgramState::GaveUp, "FATAL");
        Host::passing_to(AT)
            .programs(shop.manager(|m| m.programs.push(old.program().clone())))
            .process(700, "python3", "supervisor.service")
            .listens(AT, 700)
            .program_said(
                "/var/log/supervisor/shop-stderr.log",
                "[2026-11-20 13:59:00 +0000] [9] [ERROR] Connection in use: ('127.0.0.1', 3000)",
            )
            .traffic(1, 200, 40)
            .spares("app-port-in-use");
    }

    #[test]
    fn one_that_was_stopped_leaves_its_port_to_whom_it_may() {
        let shop = pm2("shop").claims(AT).state(ProgramState::Stopped, "stopped");
        held(shop).spares("app-port-in-use");
    }
}
