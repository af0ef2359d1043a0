//! Recordings: what is written survives kills, flips and full disks, and never takes more room than
//! it may.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly, and starts processes and makes folders of its own"
)]

#[path = "recorder/console.rs"]
mod console;
#[path = "recorder/damage.rs"]
mod damage;
#[path = "recorder/disk.rs"]
mod disk;
#[path = "recorder/export.rs"]
mod export;
#[path = "recorder/ground.rs"]
mod ground;
#[path = "recorder/killed.rs"]
mod killed;
#[path = "recorder/named.rs"]
mod named;
#[path = "terminal/pty.rs"]
mod pty;
