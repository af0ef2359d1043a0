//! What is looked at before an action: one file per guard.

mod look;

pub use look::{Ground, look};
