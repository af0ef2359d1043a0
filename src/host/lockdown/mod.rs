//! The lock of a process that only shows: another user, no capabilities, no file, no program, no
//! socket, no signal to anybody else; and a wider fence for processes that serve ([`keep_within`]).
//! Landlock and seccomp bind the calling thread and what it starts, so that all of it is done before
//! the first thread; nothing takes it back.

mod calls;
mod fence;
mod identity;
mod lock;
mod paths;
mod trial;

pub use fence::keep_within;
pub use identity::{Identity, UnknownUser};
pub use lock::lock;
pub use trial::try_everything;
