//! The threads that serve the terminal.

/// The one between the terminal and the session.
pub(super) const PUMP: &str = "terminal";
/// The one that answers signals.
pub(super) const KEEPER: &str = "signals";
/// All of them.
pub(in crate::host) const THREADS: [&str; 2] = [PUMP, KEEPER];
