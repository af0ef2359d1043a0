//! What became of one promise.

use serde::{Deserialize, Serialize};

/// What became of one promise so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "why", rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds now.
    Holds,
    /// It does not hold yet.
    Waits(String),
    /// It is broken and waiting will not mend it.
    Fails(String),
    /// What would tell is out of sight.
    Unseen(String),
}

pub(super) fn waits(why: impl Into<String>) -> Outcome {
    Outcome::Waits(why.into())
}

pub(super) fn unseen(why: &str) -> Outcome {
    Outcome::Unseen(why.to_owned())
}
