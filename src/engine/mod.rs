//! Turns the crank: one ordered bounded queue, collectors, effects; live and headless.

pub mod broker;
pub mod crew;
pub mod desk;
mod eyes;
mod headless;
mod input;
mod ledger;
pub mod live;
mod pace;
pub mod recorder;
pub mod recovery;
pub mod replay;
mod shown;
mod sources;
pub mod visit;

pub use headless::{Outcome, diagnose_once};
pub use sources::{Options, Running, start};
