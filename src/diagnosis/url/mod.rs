//! Who said 502: which hop made an answer, told by its form, and what follows from it beside the
//! same request from inside.

mod fingerprint;
mod letter;
mod verdict;

pub use fingerprint::{Fingerprints, HopKind, Mark, MarkMatch};
pub use letter::{letter, request_ids};
pub use verdict::{Backend, Blame, Sight, Whose, judge};
