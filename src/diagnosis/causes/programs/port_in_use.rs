//! Somebody else holds the port or socket that the program needs.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::intruded},
    observation::ProgramState,
};

use super::super::{
    app_port_in_use::Held,
    program_rule::{about_program, facts_of_program, missed_programs},
};

const CAUSE: &str = "app-port-in-use";

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
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

    #[test]
    fn one_that_was_stopped_leaves_its_port_to_whom_it_may() {
        let shop = pm2("shop").claims(AT).state(ProgramState::Stopped, "stopped");
        held(shop).spares("app-port-in-use");
    }
}
