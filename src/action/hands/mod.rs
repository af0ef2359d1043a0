//! The hands themselves: one file per kind of thing that is acted on.

mod carry;
mod containers;
mod done;
pub(super) mod gateway;
mod limits;
pub(super) mod process;
pub(super) mod programs;
pub(super) mod socket;
pub(super) mod units;
mod words;

pub use carry::{carry_out, take_back};
pub use done::{Done, Undo};
