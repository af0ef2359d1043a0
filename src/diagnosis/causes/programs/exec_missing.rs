//! Supervisor cannot run the program's file.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::ProgramState,
};

use super::super::program_rule::{about_program, missed_programs};

/// How Supervisor begins to say it (`check_execv_args`).
const WORDS: [&str; 3] = ["can't find command", "command at ", "no permission to run command"];

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_programs(scene)
        .filter(|b| matches!(b.who.state, ProgramState::GaveUp | ProgramState::Waiting))
        .filter(|b| WORDS.iter().any(|words| b.who.error.raw().starts_with(words)))
        .map(|backing| {
            let program = backing.who;
            let summary = format!("{} cannot be run: {}", program.id.name, program.error);
            about_program(scene, backing, "app-exec-missing", Confidence::Confirmed, summary)
                .check(format!("ls -l the file that command= of {} names", program.id.name))
        })
        .collect()
}
