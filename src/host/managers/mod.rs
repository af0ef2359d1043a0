//! Process managers that listen on a unix socket: PM2's daemon and Supervisor.
//!
//! Every conversation is one question and one answer on a connection of its own, with a deadline and
//! a byte cap, and only with a socket whose listener runs as the user that the manager runs as.
//! `supervisor` and `pm2` ask what can be asked without changing anything; what changes a program is
//! in `manage`, and needs a plan that somebody said yes to.

mod amp;
mod manage;
mod pm2;
mod pm2_list;
mod supervisor;
mod talk;
mod xmlrpc;

pub use manage::{Pm2Order, SupervisorOrder, pm2_order, supervisor_order};
pub use pm2::pm2_programs;
pub use pm2_list::{Pm2Entry, pm2_saved};
pub use supervisor::all_processes;
pub use talk::{ANSWER, Door, TalkError};
pub use xmlrpc::Value;
