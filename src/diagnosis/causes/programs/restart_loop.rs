//! The program ends and is started again by its manager, over and over.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{ManagedProgram, ManagerKind, ProgramState},
};

use super::super::program_rule::{
    about_program, ends, facts_of_program, is_given_up, last_words, log_command,
};

/// Restarts within the window from which it is a loop.
const LOOP: usize = 3;
/// Seconds below which a program that should serve has only just been started again.
const YOUNG: i64 = 15;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .programs()
        .iter()
        .filter(|b| b.missing || scene.failing_lately(&b.chains))
        .filter(|b| !is_given_up(scene, b.who, "pm2-errored"))
        .filter_map(|backing| {
            let program = backing.who;
            let lines: Vec<_> = ends(scene, program).collect();
            let watched: Vec<_> =
                facts_of_program(scene, program, &["app-restart-loop"]).collect();
            let seen = scene.case.programs.restarts_since(&program.id, scene.incident.window);
            let times = lines.len().max(seen);
            let sure = loops(scene, program, times)?;
            let so_far = match (program.restarts, times) {
                (Some(n), _) if n > 0 => format!(" ({n} restarts so far)"),
                (_, n) if n > 1 => format!(" ({n} times lately)"),
                _ => String::new(),
            };
            let (name, manager) = (&program.id.name, program.id.manager);
            let of_files = watched.len() >= LOOP;
            let summary = if of_files {
                format!(
                    "{manager} restarts {name} each time a file in its folder changes (watch){so_far}"
                )
            } else {
                format!("{name} keeps ending and being started again by {manager}{so_far}")
            };
            let check = if of_files {
                "who writes that file? What the program writes itself belongs into ignore_watch"
                    .to_owned()
            } else {
                format!("why does it end? {}", log_command(scene, program))
            };
            let last = if of_files { watched.last() } else { lines.last() };
            Some(
                about_program(scene, backing, "app-restart-loop", sure, summary)
                    .with_some(last.map(|line| Scene::quote(line)))
                    .with_some(last_words(scene, program).filter(|_| !of_files))
                    .check(check),
            )
        })
        .collect()
}

/// How sure it is that it loops.
fn loops(scene: &Scene<'_>, program: &ManagedProgram, times: usize) -> Option<Confidence> {
    let young = program.started.is_some_and(|at| scene.now().since(at).as_secs() < YOUNG);
    match program.state {
        // Supervisor says so only of what ended before its `startsecs`.
        ProgramState::Waiting if program.id.manager == ManagerKind::Supervisor => {
            Some(Confidence::Confirmed)
        }
        // Between being told to end and being started again it may be seen in any of these.
        ProgramState::Waiting
        | ProgramState::Starting
        | ProgramState::Stopping
        | ProgramState::Running
            if times >= LOOP =>
        {
            Some(Confidence::Confirmed)
        }
        ProgramState::Waiting => Some(Confidence::Likely),
        // The counter does not tell when: it may have been last month's deployments.
        ProgramState::Starting | ProgramState::Running
            if young && program.restarts.is_some_and(|n| n >= LOOP as u64) =>
        {
            Some(Confidence::Likely)
        }
        _ => None,
    }
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

    fn exited(host: Host, times: usize) -> Host {
        (0..times).fold(host, |host, n| {
            let line = format!(
                "2026-11-20T13:59:{}: PM2 log: App [shop:0] exited with code [1] via signal [SIGINT]",
                40 + n
            );
            host.program_said(PM2_LOG, &line)
        })
    }

    fn young(restarts: u64) -> Host {
        let shop = pm2("shop").claims(AT).runs(100).with(|p| {
            p.restarts = Some(restarts);
            p.started = Some(ago(2));
        });
        Host::passing_to(AT).programs(shop).refused(10, AT)
    }

    #[test]
    fn a_program_that_pm2_starts_again_and_again_loops() {
        let host = exited(young(9), 4);
        let found = host.root("app-restart-loop");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.subject.program.is_some() && found.summary.contains("9 restarts"));
        host.incident_of("app-restart-loop-pm2", "app-restart-loop", Confidence::Confirmed, "shop");
    }

    #[test]
    fn a_program_that_is_restarted_by_its_own_files_is_told_with_the_file() {
        let stopping = pm2("shop").claims(AT).with(|p| {
            p.state = ProgramState::Stopping;
            p.restarts = Some(4);
            p.started = Some(ago(2));
        });
        let line = "2026-11-20T13:59:41: PM2 log: Change detected on path shop/data.json for app shop - restarting";
        let host = exited(Host::passing_to(AT).programs(stopping).refused(10, AT), 4);
        let host = (0..4).fold(host, |host, _| host.program_said(PM2_LOG, line));
        let found = host.root("app-restart-loop");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("a file in its folder changes"), "{}", found.summary);
        assert!(found.evidence.iter().any(|e| e.what.contains("shop/data.json")), "{found:#?}");
    }

    #[test]
    fn a_counter_alone_makes_it_likely_and_an_old_program_none() {
        assert_eq!(young(9).root("app-restart-loop").confidence, Confidence::Likely);
        exited(young(1), 1).spares("app-restart-loop");
        let old = pm2("shop").claims(AT).runs(100).with(|p| p.restarts = Some(90));
        Host::passing_to(AT)
            .programs(old)
            .listens(AT, 100)
            .traffic(1, 200, 9)
            .spares("app-restart-loop");
    }

    #[test]
    fn backoff_is_a_loop_in_supervisors_own_words() {
        let shop = supervisor("shop").claims(AT).state(ProgramState::Waiting, "BACKOFF");
        let host = Host::passing_to(AT).programs(shop).refused(10, AT);
        assert_eq!(host.root("app-restart-loop").confidence, Confidence::Confirmed);
    }

    #[test]
    fn one_that_was_given_up_does_not_loop_any_more() {
        let shop = pm2("shop").claims(AT).state(ProgramState::GaveUp, "errored");
        let host = exited(Host::passing_to(AT).programs(shop).refused(10, AT), 5);
        host.spares("app-restart-loop");
    }
}
