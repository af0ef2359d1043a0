//! Writing to the standard streams: data on stdout, notes on stderr, a broken pipe is no panic.
#![expect(clippy::print_stderr, reason = "notes for people go to stderr")]

use std::io::{self, Write};

use super::Exit;

/// Writes data to stdout, whole.
pub(super) fn data(text: &str) -> Result<(), Exit> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| {
        let exit = Exit::from(&error);
        if exit != Exit::BrokenPipe {
            note(&format!("failed to write the output: {error}"));
        }
        exit
    })
}

/// Writes one line to stderr; nobody minds when that fails.
pub(super) fn note(text: &str) {
    eprintln!("gatemedic: {text}");
}
