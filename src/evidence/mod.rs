//! What it amounts to: log lines are recognised by signatures kept as data, and everything seen
//! is joined into one case.
//!
//! Floor 1. Pure: it reads values that sources made, never a file, a socket or a clock.

pub mod nginx_line;
mod signature_file;
mod signatures;

pub use signature_file::SignatureInfo;
pub use signatures::{Match, SignatureId, Signatures};
