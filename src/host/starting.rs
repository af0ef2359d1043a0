//! Programs are started one at a time, and never while our process group is signalled.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

static STARTING: Mutex<()> = Mutex::new(());

/// Starts a program.
///
/// Until it runs it is of our process group, and the thread that starts it waits without being
/// stoppable (`vfork(2)`). A stop of the group in that moment would stop the one for good and never
/// the other: the shell would wait for ever for a job that is half stopped.
///
/// # Errors
/// Those of `start`.
pub fn start<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    between_starts(start)
}

/// Does something at a moment at which no program is being started.
pub(super) fn between_starts<T>(deed: impl FnOnce() -> T) -> T {
    let _held = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    deed()
}
