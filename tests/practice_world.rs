//! The practice world against the console's own eyes and hands: what is broken in it is diagnosed as
//! what it is, what is repaired is seen to be repaired, and nothing of it is left behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::allow_attributes,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly and may run programs"
)]

#[path = "practice_world/bench.rs"]
mod bench;
#[path = "practice_world/causes.rs"]
mod causes;
#[path = "practice_world/leaving.rs"]
mod leaving;
#[path = "practice_world/repairs.rs"]
mod repairs;
#[path = "practice_world/rights.rs"]
mod rights;
#[path = "practice_world/zone.rs"]
mod zone;
