//! What an action would destroy, saved before it: logs and flags of containers, properties and
//! journal of units, sockets, stacks of processes. Best effort, in under two seconds.

mod containers;
mod processes;
mod save;
mod subject;
mod units;

pub use save::save;
