//! What the wall screen calls the state, which is never better than what it knows.

use crate::{diagnosis::Status, session::Shown};

/// The state as it is called from afar, the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// Not everybody has looked yet.
    #[default]
    Looking,
    /// In order, and it would be seen if it were not.
    Healthy,
    /// Nobody can say.
    Unknown,
    /// Nothing comes in any more: whatever was known is old.
    Stale,
    /// Something is wrong, requests still succeed.
    Degraded,
    /// Requests fail.
    Failing,
}

impl Alarm {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Looking => "LOOKING",
            Self::Healthy => "HEALTHY",
            Self::Unknown => "UNKNOWN",
            Self::Stale => "STALE",
            Self::Degraded => "DEGRADED",
            Self::Failing => "FAILING",
        }
    }

    /// Whether it should be heard when it begins.
    pub const fn rings(self) -> bool {
        matches!(self, Self::Failing | Self::Stale)
    }
}

/// What the state is called. A failure that was seen stays one while nothing newer is known; what
/// was in order is not called so on old word.
pub fn alarm(shown: &Shown<'_>) -> Alarm {
    let stale = shown.stale_secs().is_some();
    match shown.diagnosis.status {
        Status::Failing => Alarm::Failing,
        _ if stale => Alarm::Stale,
        Status::Degraded => Alarm::Degraded,
        _ if shown.is_looking() => Alarm::Looking,
        Status::Healthy => Alarm::Healthy,
        Status::Unknown => Alarm::Unknown,
    }
}
