//! A recording as time that can be gone through: where one stands in it, and what was known then.
//!
//! The diagnosis at a moment is that of the rules of today on everything that had been seen by
//! then, folded in the order in which it was recorded. It depends on nothing else: not on the way
//! that led to the moment, nor on how fast.

mod acts;
mod ask;
mod axis;
mod index;
mod kept;
mod reel;
mod survey;
mod tape;

#[cfg(test)]
mod tests;

pub use ask::{Ask, Speed};
pub use axis::{Axis, Change, Lost, Sample, Stretch};
pub use reel::Reel;
pub use tape::{MOST_BYTES, MOST_ENTRIES, Tape};
