//! Arguments and the verbs.

mod arguments;
mod audit;
mod console;
mod diagnose;
mod doctor;
mod environment;
mod exit;
mod explain;
mod output;
mod paper;
mod screen;
mod tools;

pub use arguments::{Arguments, parse};
pub use exit::Exit;
