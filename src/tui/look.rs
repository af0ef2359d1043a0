//! What a frame is drawn from.

use jiff::tz::TimeZone;

use crate::session::Model;

/// How the person's terminal and host want it shown; fixed for a session.
#[derive(Clone, Debug)]
pub struct Look {
    /// Only characters of ASCII.
    pub ascii: bool,
    /// Whether colours may be used (`NO_COLOR` is unset).
    pub colour: bool,
    /// Zone of every time shown.
    pub zone: TimeZone,
    /// Name of the host.
    pub host: String,
    /// Who looks.
    pub user: String,
}

/// Everything that one frame is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The session's state.
    pub model: &'a Model,
    /// How to show it.
    pub look: &'a Look,
}
