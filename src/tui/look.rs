//! What a frame is drawn from.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::session::Model;

use super::theme::{Depth, Theme};

/// How the person's terminal and host want it shown; fixed for a session.
#[derive(Clone, Debug)]
pub struct Look {
    /// Only characters of ASCII.
    pub ascii: bool,
    /// Whether colours may be used (`NO_COLOR` is unset).
    pub colour: bool,
    /// How many of them the terminal has.
    pub depth: Depth,
    /// The themes to choose from; the first is the one that nobody chose.
    pub themes: Arc<[Theme]>,
    /// Zone of every time shown, unless the session shows UTC.
    pub zone: TimeZone,
    /// Name of the host.
    pub host: String,
    /// Who looks.
    pub user: String,
}

impl Look {
    /// The theme with this name, else the first.
    pub(super) fn theme(&self, name: &str) -> Option<&Theme> {
        self.themes.iter().find(|theme| theme.name() == name).or(self.themes.first())
    }
}

/// Everything that one frame is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The session's state.
    pub model: &'a Model,
    /// How to show it.
    pub look: &'a Look,
}
