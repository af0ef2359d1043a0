//! What the lock of a screen that only looks amounts to, as its process tried it at the start.

use std::fmt::Display;

/// One part of the lock, or one thing that must be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockFact {
    /// The part, or what was tried, in plain words.
    pub what: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// How, or why not.
    pub how: String,
}

impl LockFact {
    /// A part that holds.
    pub fn held(what: &'static str, how: impl Display) -> Self {
        Self { what, holds: true, how: how.to_string() }
    }

    /// A part that does not.
    pub fn missing(what: &'static str, why: impl Display) -> Self {
        Self { what, holds: false, how: why.to_string() }
    }
}
