//! The program was started a moment ago and does not listen yet.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::Listening,
    observation::ProgramState,
};

use super::super::program_rule::{about_program, ends, missed_programs};

/// How long a start may take before silence is suspicious, seconds.
const WINDOW_SECS: i64 = 30;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_programs(scene)
        .filter(|b| matches!(b.who.state, ProgramState::Running | ProgramState::Starting))
        .filter_map(|backing| {
            let program = backing.who;
            let at = program.started?;
            let age = scene.now().since(at).as_secs();
            let again = scene.case.programs.restarts_since(&program.id, scene.incident.window);
            let silent = backing.chains.iter().filter_map(|i| scene.chains.get(*i));
            let silent = silent.flat_map(|c| &c.peers).any(|p| p.listening == Listening::No);
            let once = again < 2 && ends(scene, program).count() < 2;
            let had = scene.has_listened_since(&backing.chains, at);
            if !(0..=WINDOW_SECS).contains(&age) || !silent || !once || had {
                return None;
            }
            let summary =
                format!("{} was started {age} s ago and does not listen yet", program.id.name);
            let mut finding =
                about_program(scene, backing, "app-boot-window", Confidence::Likely, summary)
                    .check("wait: nothing is to be done unless it stays silent");
            finding.since = Some(at);
            Some(finding)
        })
        .collect()
}
