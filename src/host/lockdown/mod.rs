//! The lock of a process that only shows: another user, no capabilities, no file, no program, no
//! socket, no signal to anybody else. Landlock and seccomp bind the calling thread and what it
//! starts, so that all of it is done before the first thread; nothing takes it back.

mod calls;
mod identity;
mod paths;
mod trial;

use crate::session::kiosk::LockFact;

pub use identity::{Identity, UnknownUser};
pub use trial::try_everything;

/// Locks this process for good and says which parts hold. What the kernel refuses is a part that
/// is missing; the rest is locked all the same.
pub fn lock(identity: &Identity) -> Vec<LockFact> {
    let mut facts = vec![one_thread()];
    facts.extend(identity.take());
    facts.push(paths::shut());
    facts.push(trial::landlock_alone());
    facts.push(calls::shut());
    facts
}

/// A lock reaches only the thread that takes it, and those that it starts.
fn one_thread() -> LockFact {
    let threads = std::fs::read_dir("/proc/self/task").map(Iterator::count);
    let part = "taken before the first thread";
    match threads {
        Ok(1) => LockFact::held(part, "one thread"),
        Ok(more) => LockFact::missing(part, format!("{more} threads")),
        Err(error) => LockFact::missing(part, error),
    }
}
