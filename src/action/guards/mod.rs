//! What is looked at before an action: one file per guard.

mod container;
mod crash_loop;
mod dependants;
mod headroom;
mod in_flight;
mod look;
mod memory;
mod path;
mod same_process;
mod start_limit;
mod unit;

pub use look::{Ground, look};
