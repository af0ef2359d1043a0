//! When the program itself fails.
#![expect(clippy::print_stderr, reason = "the last words of a program go to stderr")]

use std::{panic, process, thread};

use super::terminal::THREADS;
use crate::observation::Text;

/// The exit code for a fault of our own (sysexits.h, `EX_SOFTWARE`).
const INTERNAL: i32 = 70;

/// From now on a panic of this thread, or of one that serves the terminal, first calls `before`
/// and then says what happened in one line. Other threads belong to sources: their end is shown
/// as a blind spot, and words of theirs would only spoil a screen or a report.
pub fn tell(before: impl Fn() + Send + Sync + 'static) {
    hook(before, false);
}

/// As [`tell`], and ends the process at once, with code 70: cleaning up may wait for threads that
/// do not come where none can be had any more.
pub fn tell_and_end(before: impl Fn() + Send + Sync + 'static) {
    hook(before, true);
}

fn hook(before: impl Fn() + Send + Sync + 'static, end: bool) {
    let main = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        let current = thread::current();
        let serves = current.name().is_some_and(|name| THREADS.contains(&name));
        if current.id() != main && !serves {
            return;
        }
        before();
        // A panic may quote what it choked on, and that came from outside.
        let words = Text::new(info.payload_as_str().unwrap_or("no message"));
        match info.location() {
            Some(at) => eprintln!("gatemedic: internal error at {at}: {words}"),
            None => eprintln!("gatemedic: internal error: {words}"),
        }
        // Without its terminal the session would go on unseen.
        if end || current.id() != main {
            process::exit(INTERNAL);
        }
    }));
}
