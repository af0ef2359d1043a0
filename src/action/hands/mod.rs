//! The hands themselves: one file per kind of thing that is acted on.

mod carry;
mod done;

pub use carry::{carry_out, take_back};
pub use done::{Done, Undo};
