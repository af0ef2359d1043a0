//! Changing configuration files: what is kept, what is refused, and what is left when the process
//! dies at any moment.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::allow_attributes,
    reason = "a test may fail loudly and may touch its own files"
)]

#[path = "edit/bench.rs"]
mod bench;
#[path = "edit/daemons.rs"]
mod daemons;
#[path = "edit/failing.rs"]
mod failing;
#[path = "edit/kept.rs"]
mod kept;
#[path = "edit/killed.rs"]
mod killed;
#[path = "edit/left_behind.rs"]
mod left_behind;
