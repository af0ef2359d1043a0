//! The supervisor of a world, and its custodian: it starts, restarts, gives up and stops the
//! programs, speaks Supervisor's language at its door, lets happen what is to happen, and takes
//! everything away when the console is gone.

mod books;
mod door;
mod happen;
mod leave;
mod order;
mod program;
mod run;
mod stamps;
mod xml;

pub(super) use happen::write_lines;
pub(super) use program::RETRIES;
pub(super) use run::{Told, run};
