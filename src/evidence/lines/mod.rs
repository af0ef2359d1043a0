//! The newest lines of every log, requests that failed and what was lost, in one bounded ring.

mod chunk;
mod head;
mod level;
mod name;
mod ring;

pub use chunk::{Kind, Line, LineSource, Pinned};
pub use head::headline;
pub use level::Level;
pub use ring::{LINE_LIMIT, Lines, MOST_BYTES, MOST_LINES};

pub(crate) use ring::NewLine;
