//! Holds a prediction against what is seen.

mod baseline;
mod outcome;
mod proofs;
mod sight;
#[cfg(test)]
mod tests;
mod watch;

pub use baseline::{Baseline, baseline};
pub use outcome::Outcome;
pub use watch::{Watch, judge};
