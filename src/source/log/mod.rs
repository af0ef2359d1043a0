//! Log files: followed through rotations, cut into lines, read by their format.

mod access;
mod destination;
mod follower;
mod found;
mod generation;
mod lines;
mod mark;
mod pool;
mod reader;
mod rotation;
mod succession;
mod task;

pub use follower::Follower;
pub use found::{Backlog, Followed, Line, Progress, Scratch, State};
pub use lines::{LINE_LIMIT, LineSplitter, Piece};
pub use pool::{LOGS, OPEN_FILES, Pool};
pub use reader::LogReader;
pub use task::run;
