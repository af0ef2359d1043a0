//! What it amounts to: log lines are recognised by signatures kept as data, and everything seen
//! is joined into one case.
//!
//! Floor 1. Pure: it reads values that sources made, never a file, a socket or a clock.

mod signatures;

pub mod nginx_line;

pub use signatures::{Match, SignatureId, SignatureInfo, Signatures};
