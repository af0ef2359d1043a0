//! Turns the crank: one ordered bounded queue, collectors, effects; live and headless.

mod headless;
pub mod live;
mod pace;
mod sources;

pub use headless::{Outcome, diagnose_once};
pub use sources::{Options, Running, start};
