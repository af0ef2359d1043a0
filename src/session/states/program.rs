//! A managed program's state and its last end.

use crate::{
    observation::{ManagedProgram, ProgramState},
    session::page::Tone,
};

use super::{State, exit_words};

/// The state of a program of another manager than systemd.
pub fn program(program: &ManagedProgram) -> State {
    let (mark, tone, means) = match program.state {
        ProgramState::Running if program.up < program.wanted => {
            ("◐", Tone::Warn, "Some of its processes run, and some that should do not.")
        }
        ProgramState::Running => (
            "●",
            Tone::Good,
            "Its manager says that it runs. That it answers is another matter: the chain shows it.",
        ),
        ProgramState::Starting => ("◐", Tone::Warn, "It was started a moment ago."),
        ProgramState::Waiting => (
            "✗",
            Tone::Bad,
            "It ended soon after its start, and its manager starts it again and again. Why it ends \
             stands in its last lines.",
        ),
        ProgramState::Stopping => ("◐", Tone::Warn, "It was asked to stop and has not ended yet."),
        ProgramState::Stopped => {
            ("○", Tone::Warn, "It was stopped, or never started: its manager leaves it down.")
        }
        ProgramState::Exited => {
            ("○", Tone::Warn, "It ended by itself, and its manager does not start it again.")
        }
        ProgramState::GaveUp => (
            "✗",
            Tone::Bad,
            "It ended each time it was started, and its manager gave up. It stays down until \
             somebody starts it.",
        ),
        ProgramState::Absent => (
            "○",
            Tone::Warn,
            "It is in its manager's saved list or configuration, and the manager does not have it.",
        ),
        ProgramState::Unknown => ("?", Tone::Muted, "Its manager does not tell how it is."),
    };
    State::new(mark, tone, program.state.as_str(), means)
}

/// How a program last ended, and whether that is bad; `None` when that is not known.
pub fn program_exit(program: &ManagedProgram) -> Option<(Tone, String)> {
    if !program.error.is_empty() && !program.is_up() {
        return Some((Tone::Bad, program.error.to_string()));
    }
    match program.exit? {
        0 => Some((Tone::Muted, exit_words(0))),
        status => Some((Tone::Bad, exit_words(status.into()))),
    }
}
