//! The journal of the units that matter, read through `journalctl -o json`: the last minutes
//! once, then live.

mod memory;
mod query;
mod record;
mod watch;

pub use query::announced;
pub(in crate::source) use query::hint;
pub use watch::run;
