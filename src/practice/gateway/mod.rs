//! The gateway of a world: nginx's processes, configuration language, log lines and signals, for the
//! part of it that an incident behind it needs.

mod balance;
mod exchange;
mod log;
mod main;
mod master;
mod page;
mod pass;
mod plan;
mod request;
mod worker;

pub(super) use main::run;
pub(super) use request::receive;
