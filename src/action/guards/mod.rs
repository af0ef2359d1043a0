//! What is looked at before an action: one file per guard.

mod config_test;
mod drift;
mod look;
mod writable;

pub use look::{Ground, look};
