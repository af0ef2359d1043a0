//! When the program itself fails: the terminal first, then what happened.
#![expect(clippy::print_stderr, reason = "the last words of a program go to stderr")]

use std::{panic, process, thread};

use super::Terminal;
use crate::observation::Text;

/// The exit code for a fault of our own (sysexits.h, `EX_SOFTWARE`).
const INTERNAL: i32 = 70;

/// From now on a panic of this thread, or of one that serves the terminal, gives the terminal
/// back before it says anything. Other threads belong to sources: their end is shown as a blind
/// spot, and words of theirs would only spoil the screen.
pub fn restore_on_panic(terminal: Terminal) {
    let main = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        let current = thread::current();
        let ours = current.id() == main
            || current.name().is_some_and(|name| ["terminal", "signals"].contains(&name));
        if !ours {
            return;
        }
        terminal.end();
        // A panic may quote what it choked on, and that came from outside.
        let words = Text::new(info.payload_as_str().unwrap_or("no message"));
        match info.location() {
            Some(at) => eprintln!("gatemedic: internal error at {at}: {words}"),
            None => eprintln!("gatemedic: internal error: {words}"),
        }
        if current.id() != main {
            process::exit(INTERNAL);
        }
    }));
}
