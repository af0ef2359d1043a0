//! The way back from inside a signal handler: everything it needs lies ready.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcsetattr};

/// What it needs. There is one terminal, and it is kept for good.
static READY: OnceLock<Rescue> = OnceLock::new();

#[derive(Debug)]
struct Rescue {
    device: OwnedFd,
    original: Termios,
    bytes: &'static [u8],
    /// Whether the terminal is ours.
    entered: AtomicBool,
}

/// Lays ready what [`rescue`] needs. The device must not block.
pub(super) fn prepare(device: OwnedFd, original: Termios, bytes: &'static [u8]) {
    // A second terminal of one process does not exist outside of tests.
    drop(READY.set(Rescue { device, original, bytes, entered: AtomicBool::new(false) }));
}

/// Says whether there is something to give back.
pub(super) fn entered(ours: bool) {
    if let Some(ready) = READY.get() {
        ready.entered.store(ours, Ordering::Relaxed);
    }
}

/// Gives the terminal back without waiting for anything: six system calls at most, no memory, no
/// lock (signal-safety(7)). What a stalled terminal holds is dropped to make room.
pub fn rescue() {
    let Some(ready) = READY.get() else { return };
    if !ready.entered.swap(false, Ordering::Relaxed) {
        return;
    }
    let device = ready.device.as_fd();
    let _ = tcsetattr(device, OptionalActions::Now, &ready.original);
    let _ = tcflush(device, QueueSelector::IFlush);
    let sent = rustix::io::write(device, ready.bytes).unwrap_or(0);
    if let Some(rest) = ready.bytes.get(sent..).filter(|rest| !rest.is_empty()) {
        let _ = tcflush(device, QueueSelector::OFlush);
        // What was sent of it may be dropped with the rest.
        let _ = rustix::io::write(device, if sent == 0 { rest } else { ready.bytes });
    }
}
