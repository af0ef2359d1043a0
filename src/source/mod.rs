//! The eyes: collectors that publish observations and say when they are blind. Each is one task.

mod admin;
pub mod cgroups;
pub mod changes;
pub mod claims;
pub mod config;
pub mod disks;
pub mod docker;
pub mod firewall;
pub mod gateways;
pub mod journal;
pub mod kernel;
pub mod listeners;
pub mod log;
mod lookup;
pub mod managers;
pub mod names;
mod outlet;
pub mod pressure;
pub mod probe;
pub mod processes;
pub mod runtime;
pub mod settings;
pub mod sockfiles;
mod sweep;
pub mod triage;
pub mod units;

pub use outlet::{AttentionWatch, Closed, Outlet};
