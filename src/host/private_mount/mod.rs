//! Runs a daemon's own test of its configuration where it can harm nothing: in a mount namespace of
//! its own in which every file system is covered by an overlay in memory, and candidates lie over
//! the files that they are to replace. What `nginx -t` creates, opens for writing and gives away
//! (pid file, logs, temporary folders, caches, sockets) is gone with it.
//!
//! The namespace belongs to one thread that ends with the test (unshare(2): a thread may leave the
//! mounts of its process).

mod candidates;
mod enter;
mod scene;
mod trial;

pub use candidates::Candidate;
pub use trial::{Trial, TrialError, run};
