//! Writing to the standard streams: data on stdout, notes on stderr, a broken pipe is no panic.
#![expect(clippy::print_stderr, reason = "notes for people go to stderr")]

use std::io::{self, IsTerminal, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{observation::Clean, report::Layout};

use super::{Arguments, Exit, environment};

/// Widest line of a report.
const COLUMNS: usize = 100;
/// Narrowest line that is still worth reading.
const NARROWEST: usize = 40;

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

/// How a report is laid out on stdout: as wide as the terminal within reason, in colour only on a
/// terminal that has some and when nobody objects.
pub(super) fn layout(arguments: &Arguments) -> Layout {
    let out = io::stdout();
    if !out.is_terminal() {
        return Layout::default();
    }
    let size = rustix::termios::tcgetwinsize(&out).ok();
    let columns = size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    Layout {
        columns: columns.unwrap_or(Layout::default().columns).clamp(NARROWEST, COLUMNS),
        colour: !arguments.no_color && environment::colour() && environment::has_cursor(),
    }
}

/// A line as it is shown on so many columns, made safe; an ellipsis says that something is missing.
pub(super) fn cut(text: &str, columns: usize) -> String {
    let clean = Clean::new(text);
    if clean.as_str().width() <= columns {
        return clean.to_string();
    }
    let mut line = String::new();
    let mut left = columns.saturating_sub(1);
    for c in clean.as_str().chars() {
        let wide = c.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        line.push(c);
    }
    line.push('…');
    line
}

/// Writes one line to stderr; nobody minds when that fails.
pub(super) fn note(text: &str) {
    eprintln!("gatemedic: {text}");
}
