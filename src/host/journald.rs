//! A line for the journal, by its native protocol
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>).

use std::{fmt::Write as _, os::unix::net::UnixDatagram};

use crate::observation::Clean;

const SOCKET: &str = "/run/systemd/journal/socket";

/// Writes one line of priority `notice`, with fields of our own beside it. Where there is no journal, or it
/// is busy, nothing happens.
pub fn note(message: &str, fields: &[(&str, &str)]) {
    let Ok(socket) = UnixDatagram::unbound() else { return };
    if socket.set_nonblocking(true).is_err() {
        return;
    }
    let message = one_line(message);
    let mut all = format!("PRIORITY=5\nSYSLOG_IDENTIFIER=gatemedic\nMESSAGE={message}\n");
    for (name, value) in fields {
        let _ = writeln!(all, "{name}={}", one_line(value));
    }
    let _ = socket.send_to(all.as_bytes(), SOCKET);
}

/// A value as it is written: a newline would begin another field.
pub fn one_line(value: &str) -> String {
    Clean::new(value).as_str().to_owned()
}
