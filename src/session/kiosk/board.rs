//! The pages of the wall screen.

use crate::session::{Shown, requests, rows};

/// A page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Board {
    /// The state in one word, and how much.
    #[default]
    State,
    /// The first cause and the evidence for it.
    Cause,
    /// Who answers and who does not.
    Upstreams,
    /// Failed requests by minute.
    Requests,
    /// Memory, kills, units and containers.
    Host,
    /// What this screen can see and what it may do.
    Screen,
}

impl Board {
    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::State => "State",
            Self::Cause => "Cause",
            Self::Upstreams => "Upstreams",
            Self::Requests => "Requests",
            Self::Host => "Host",
            Self::Screen => "This screen",
        }
    }
}

/// The pages that have something to say now, in the order in which they turn.
pub fn boards(shown: &Shown<'_>) -> Vec<Board> {
    let diagnosis = shown.diagnosis;
    let failed = requests::by_minute(shown).values().any(|n| *n > 0);
    let host = !rows::keys(shown, crate::session::Pane::Memory, "").is_empty();
    let all = [
        (Board::State, true),
        (Board::Cause, !diagnosis.findings.is_empty()),
        (Board::Upstreams, !diagnosis.upstreams.is_empty()),
        (Board::Requests, failed),
        (Board::Host, host),
        (Board::Screen, true),
    ];
    all.into_iter().filter(|(_, says)| *says).map(|(board, _)| board).collect()
}
