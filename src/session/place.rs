//! The views that fill the screen, one at a time: each has a digit.

use super::Pane;

/// A view that fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Every pane at once.
    #[default]
    Overview,
    /// The way of a request, link by link.
    Chain,
    /// The causes, with the evidence of the selected one.
    Causes,
    /// The lines of all logs.
    Logs,
    /// What happened, on one axis of time.
    Timeline,
    /// Memory against its limits, and memory kills.
    Memory,
    /// Units and containers.
    Units,
    /// The wizard.
    Recovery,
    /// Who did what.
    Audit,
}

impl Place {
    /// Every view in the order of its digits, which begin at 1.
    pub const ALL: [Self; 9] = [
        Self::Overview,
        Self::Chain,
        Self::Causes,
        Self::Logs,
        Self::Timeline,
        Self::Memory,
        Self::Units,
        Self::Recovery,
        Self::Audit,
    ];

    /// Its key.
    pub const fn digit(self) -> char {
        match self {
            Self::Overview => '1',
            Self::Chain => '2',
            Self::Causes => '3',
            Self::Logs => '4',
            Self::Timeline => '5',
            Self::Memory => '6',
            Self::Units => '7',
            Self::Recovery => '8',
            Self::Audit => '9',
        }
    }

    /// Its name on screen.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Chain => "Chain",
            Self::Causes => "Causes",
            Self::Logs => "Logs",
            Self::Timeline => "Timeline",
            Self::Memory => "Memory",
            Self::Units => "Units",
            Self::Recovery => "Recovery",
            Self::Audit => "Audit",
        }
    }

    /// Its name where there is little room.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Overview => "Home",
            Self::Causes => "Cause",
            Self::Timeline => "Time",
            Self::Memory => "Mem",
            Self::Recovery => "Fix",
            other => other.title(),
        }
    }

    /// The rows that keys move through there; none where a view has rows of its own.
    pub const fn pane(self) -> Option<Pane> {
        match self {
            Self::Chain => Some(Pane::Upstreams),
            Self::Causes => Some(Pane::Cause),
            Self::Memory => Some(Pane::Memory),
            Self::Units => Some(Pane::Units),
            Self::Timeline => Some(Pane::Timeline),
            Self::Overview | Self::Logs | Self::Recovery | Self::Audit => None,
        }
    }
}
