//! What may be done, as data: the closed list of powers over the machine, and which of them could
//! cure a finding.
//!
//! Floor 3. Nothing here carries anything out: a remedy is shown, with the command that does the
//! same by hand.

mod action;
mod propose;

pub use action::{Action, Remedy};
pub use propose::propose;
