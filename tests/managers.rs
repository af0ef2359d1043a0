//! The source of process managers and the hands on their programs: against managers that misbehave,
//! and against a real Supervisor and a real PM2 where they are installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly and may pose as a manager"
)]

#[path = "managers/bench.rs"]
mod bench;
#[path = "managers/fakes.rs"]
mod fakes;
#[path = "managers/real_pm2.rs"]
mod real_pm2;
#[path = "managers/real_supervisor.rs"]
mod real_supervisor;
