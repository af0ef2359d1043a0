//! Log files: followed through rotations, cut into lines, read by their format.

mod access;
mod destination;
mod follower;
mod format;
mod found;
mod generation;
mod lines;
mod mark;
mod pool;
mod reader;
mod rotation;
mod stamp;
mod succession;
mod task;

pub use follower::Follower;
pub use format::{AccessFields, AccessMatcher, FormatError};
pub use found::{Backlog, Followed, Line, Progress, Scratch, State};
pub use lines::{LINE_LIMIT, LineSplitter, Piece};
pub use pool::{LOGS, OPEN_FILES, Pool};
pub use reader::LogReader;
pub use stamp::StampReader;
pub use task::run;
