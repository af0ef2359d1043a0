//! All of the lock, in its order: rights are given up while that is still allowed, and the list of
//! calls comes last.

use crate::session::kiosk::LockFact;

use super::{calls, identity::Identity, paths, trial};

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
