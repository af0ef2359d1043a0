//! The kernel log: memory kills, crashes, and the lines that concern gateways and backends.

mod crash;
mod follow;
mod journal;
mod line;
mod oom;
mod past;
mod translate;

pub use follow::run;
