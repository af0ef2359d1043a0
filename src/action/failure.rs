//! How an action fails.

use serde::{Deserialize, Serialize};

/// Why a step was not done. The words are for people; what they quote has been made safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "failure", content = "words", rename_all = "kebab-case")]
pub enum Failure {
    /// The system refuses us.
    #[error("not permitted: {0}")]
    Denied(String),
    /// What it was about is no more.
    #[error("{0}")]
    Gone(String),
    /// What it was about is not what was seen.
    #[error("{0}")]
    Changed(String),
    /// The manager, the kernel or the program said no.
    #[error("{0}")]
    Refused(String),
    /// No answer in time; it may still happen.
    #[error("{0}")]
    Late(String),
    /// It can be done only by a person.
    #[error("{0}")]
    Human(String),
}
