//! Containers: their state, events, logs and what they say they serve, from the engine's API.
//!
//! No engine installed is no blind spot; an engine that is there and does not answer is one.

mod addresses;
mod disk;
mod engines;
mod events;
mod fleet;
mod inspect;
mod json;
mod labels;
mod lines;
mod live;
mod logs;
mod process;
mod run;
mod serving;
mod spots;
mod stats;

pub use engines::run;
pub use run::watch;
