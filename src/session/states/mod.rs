//! States in words: of units and containers, how they ended, how often they were started again,
//! and whom they serve.

mod container;
mod exit;
mod program;
mod restarts;
mod serves;
mod state;
mod unit;

pub use container::{container, container_exit};
pub use exit::{exit_words, signal_words};
pub use program::{program, program_exit};
pub use restarts::Restarts;
pub use serves::{Served, serves};
pub use state::State;
pub use unit::{unit, unit_exit};
