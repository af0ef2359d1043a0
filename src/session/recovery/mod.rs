//! Acting, as far as the screen knows of it: which repair the key offers, the question that is
//! asked, what came of it. The process that carries out owns the plan, the clock and the way back;
//! here is only what it said.

mod actions;
mod choose;
mod commands;
mod dialog;
mod fold;
mod powers;
mod run;
mod state;
mod target;

pub use actions::{Entry, EntryKey, entries};
pub use choose::{Choice, best, label, tried};
pub(super) use commands::{act, undoable};
pub(super) use dialog::press;
pub(super) use fold::{lost, progress};
pub use powers::Powers;
pub use run::{Arming, Purpose, Question, Run, Stage, StepState};
pub use state::{Past, Recovery};
pub use target::target;

#[cfg(test)]
mod tests;
