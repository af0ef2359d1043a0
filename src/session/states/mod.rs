//! States in words: of units and containers, how they ended, how often they were started again,
//! and whom they serve.

mod container;
mod exit;
mod restarts;
mod serves;
mod unit;

pub use container::{container, container_exit};
pub use exit::{exit_words, signal_words};
pub use restarts::Restarts;
pub use serves::{Served, serves};
pub use unit::{unit, unit_exit};

use super::page::Tone;

/// A state as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its shape.
    pub mark: &'static str,
    /// Its meaning.
    pub tone: Tone,
    /// Its word.
    pub word: String,
    /// What the word means, in a sentence for somebody who has not met it before.
    pub means: &'static str,
}

impl State {
    fn new(mark: &'static str, tone: Tone, word: impl Into<String>, means: &'static str) -> Self {
        Self { mark, tone, word: word.into(), means }
    }
}
