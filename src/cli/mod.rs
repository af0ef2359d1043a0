//! Arguments and the verbs.

mod arguments;
mod diagnose;
mod exit;
mod output;

pub use arguments::{Arguments, parse};
pub use exit::Exit;
