//! The logs that are already there: which files they are, and reading them at once on a few
//! threads.

mod files;
mod read;
mod task;
mod unit;

pub use files::{Log, of_paths, of_targets};
pub use read::{Limits, Reading, read};
pub use task::run;
