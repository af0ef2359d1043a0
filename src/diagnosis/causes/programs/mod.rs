//! Causes that units and managed programs have in common, for managed programs. What they are called
//! is the same; what proves them is another manager's word.

mod all;
mod boot_window;
mod by_log;
mod ended;
mod exec_missing;
mod memory_kill;
mod port_in_use;
mod restart_loop;

pub(super) use all::judge;
