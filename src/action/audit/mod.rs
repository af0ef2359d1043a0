//! Who did what, why, and what came of it: written before and after each action, never changed.
//! What cannot be recorded is not done.

mod anchors;
mod chain;
mod ledger;
mod read;
mod record;

pub use anchors::Journal;
pub use ledger::{Audit, Recorded};
pub use read::{Fault, Ledger, ReadError, read};
pub use record::{Body, Intent, Outcome, Phase, Record, TAKE_BACK, Torn, What, Who, Why};
