//! Changing a file that belongs to somebody else: found by walking its path directory by directory,
//! held by descriptors, and replaced so that it is, whenever it is looked at, whole.

mod attributes;
mod error;
mod held;
mod replace;
mod walk;

pub use error::{EditFileError, Live, WriteError};
pub use held::{FILE_LIMIT, Held, Way};
pub use replace::{Stage, TEMPORARY};
