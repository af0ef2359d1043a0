//! What is looked at before an action: one file per guard.

mod config_test;
mod container;
mod crash_loop;
mod dependants;
mod drift;
mod headroom;
mod in_flight;
mod look;
mod memory;
mod path;
mod program;
mod same_process;
mod start_limit;
mod unit;
mod writable;

pub use look::{Ground, look};
