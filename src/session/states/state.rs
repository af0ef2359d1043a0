//! A state in shape, meaning and word.

use crate::session::page::Tone;

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
    pub(super) fn new(
        mark: &'static str,
        tone: Tone,
        word: impl Into<String>,
        means: &'static str,
    ) -> Self {
        Self { mark, tone, word: word.into(), means }
    }
}
