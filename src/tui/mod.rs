//! The screen: what the person sees of a session.
//!
//! Floor 8. It reads a [`Snapshot`] and nothing else: no clock, no file, no state of its own.

mod draw;
mod look;

pub use draw::draw;
pub use look::{Look, Snapshot};
