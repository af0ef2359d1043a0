//! A line for the journal, by its native protocol
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>).

use std::os::unix::net::UnixDatagram;

use crate::observation::Clean;

const SOCKET: &str = "/run/systemd/journal/socket";

/// Writes one line of priority `notice`. Where there is no journal, or it is busy, nothing happens.
pub fn note(message: &str) {
    let Ok(socket) = UnixDatagram::unbound() else { return };
    if socket.set_nonblocking(true).is_err() {
        return;
    }
    // A newline would begin another field.
    let message = Clean::new(message);
    let fields = format!("PRIORITY=5\nSYSLOG_IDENTIFIER=gatemedic\nMESSAGE={message}\n");
    let _ = socket.send_to(fields.as_bytes(), SOCKET);
}
