//! The measured looks that close the steps of a playbook: what was looked at, what was found, and
//! the command that does the same by hand. Nothing is ticked off by a person.

mod backend;
mod config;
mod logs;
mod measure;
mod network;
mod prevention;
mod resources;
mod sight;

pub use measure::look;
pub use sight::{About, Measured, State};
