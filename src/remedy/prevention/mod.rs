//! Prevention: what would have kept an incident from happening, from lasting or from going unseen,
//! held against this host. One file for each row of the checklist.
//!
//! Pure: it judges what the sources saw, names what it cannot see, and changes nothing.

mod boot;
mod caching;
mod config_test;
mod health;
mod item;
mod judge;
mod kept;
mod logs;
mod memory;
mod monitoring;
mod names;
mod queue;
mod restart;
mod route;
mod spare;
#[cfg(test)]
mod testing;
mod timeouts;

pub use item::{Addition, Piece, Precaution, Standing};
pub use judge::precautions;
