//! The folder of recordings: one file for each part of a session, for its owner's eyes only, never
//! more bytes in all than were allowed.

mod kept;
mod store;
mod stream;

pub use kept::{Kept, Part};
pub use store::{Limits, Segment, Store, StoreError};
pub use stream::{Stream, StreamError};
