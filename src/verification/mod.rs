//! Whether it worked: a prediction that is written before an action, and its judgement by what the
//! sources see afterwards.
//!
//! Floor 2. An exit code is no evidence here: nothing in this module takes one.

mod expectation;
mod judge;
mod verdict;

pub use expectation::{Clause, Expectation, Proof, ProofAnswer, Speaker};
pub use judge::{Baseline, Outcome, Watch, baseline, judge};
pub use verdict::{Judged, Judgement, ServingProof, Verdict};
