//! The eyes: collectors that publish observations and say when they are blind. Each is one task.

pub mod kernel;
mod outlet;

pub use outlet::{AttentionWatch, Closed, Outlet};
