//! Changing a configuration file so that it is, at every moment, exactly the old or exactly the new.
//!
//! [`rehearse_all`] reads and computes, [`try_candidates`] has the daemon's own test look at what
//! would be written, [`write`] writes it, [`restore`] takes it back. What is under way stands in the
//! [`journal`](super::journal).

mod backup;
mod command;
mod diff;
mod refusal;
mod rehearse;
mod restore;
mod trial;
mod words;
mod write;

pub use command::test_of_unit;
pub use rehearse::{Rehearsal, rehearse_all};
pub use restore::restore;
pub use trial::{TRIAL_DEADLINE, Trial, try_candidates};
pub use write::{Step, Written, write, write_watched};

pub(super) use backup::path as backup_path;
pub(super) use restore::put_back;
pub(super) use words::failure;
