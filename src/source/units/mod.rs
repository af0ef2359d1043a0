//! systemd units: their state over D-Bus, pushed by signals, and the addresses that they say
//! they serve.

mod convert;
mod files;
mod table;
mod templates;
mod watch;

pub use watch::{run, run_on};
