//! What a prediction came to.

use serde::{Deserialize, Serialize};

use super::Outcome;

/// How an action ended, seen from the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything that was promised was seen, and went on to be seen.
    Fixed,
    /// Something is better than before, and not all that was promised holds.
    Improved,
    /// Nothing is better.
    NotFixed,
    /// Something that worked before does not now.
    Worse,
    /// What would tell is out of sight.
    CannotTell,
}

impl Verdict {
    /// In plain words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Improved => "improved",
            Self::NotFixed => "not fixed",
            Self::Worse => "worse",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// One promise and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The promise in words.
    pub promise: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// A prediction held against what has been seen so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Every promise.
    pub promises: Vec<Judged>,
    /// The verdict, once there is one; `None` while the watch goes on.
    pub verdict: Option<Verdict>,
    /// Seconds since everything holds, `None` while something does not.
    pub holding_secs: Option<u64>,
}

/// That requests are served: made by [`super::judge`] alone, from observations. There is no other
/// way to a verified state, in particular not by an exit code:
///
/// ```compile_fail
/// let proof = gatemedic::verification::ServingProof { judgement: todo!() };
/// ```
#[derive(Debug)]
pub struct ServingProof {
    pub(super) judgement: Judgement,
}

impl ServingProof {
    /// What was seen.
    pub const fn judgement(&self) -> &Judgement {
        &self.judgement
    }
}

impl Judgement {
    /// The proof that it is fixed, when it is.
    pub fn proof(&self) -> Option<ServingProof> {
        (self.verdict == Some(Verdict::Fixed)).then(|| ServingProof { judgement: self.clone() })
    }
}
