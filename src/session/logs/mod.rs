//! The view of the logs: which lines are shown, where the person stands among them, what they
//! look for.

mod commands;
mod fold;
mod input;
mod jump;
mod pattern;
mod place;
mod rows;
mod state;

#[cfg(test)]
mod tests;

pub(super) use commands::{act, only, point};
pub(super) use input::{accept, ask_moment, cancel, erase_filter, retyped};
pub(super) use state::sync;

pub use input::Asked;
pub use jump::moment;
pub use pattern::{Filter, Pattern};
pub use place::{Areas, areas};
pub use rows::{Count, Row, Rows, SLICE_SECS, slice_of};
pub use state::{Key, Logs, MOST_BOOKMARKS, MOST_FILTERS};
