//! Process managers besides systemd and the container engines: PM2, Supervisor, runit and OpenRC.
//!
//! Managers are found by their processes, by the homes of users and by their configuration; PM2 and
//! Supervisor are asked over their own sockets, one question each and within a deadline; of runit and
//! OpenRC the files that hold their state are read. Managers inside containers are not looked at: what
//! they say of pids and paths is true in there only.

mod build;
mod finds;
mod ini;
mod openrc;
mod pm2_home;
mod run;
mod runit;
mod supervisor;
mod supervisor_config;
mod supervisor_find;
mod tree;
mod users;

pub use run::{Places, run};
