//! Two clocks that do not mix: wall time for labels and log stamps, boot time for durations.

use std::fmt;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A wall-clock time in microseconds since the Unix epoch. It may jump; use it to label and to
/// compare with stamps that other programs wrote.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Wall(pub i64);

/// Time since boot in microseconds, suspend included (`CLOCK_BOOTTIME`). It never jumps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Boot(pub u64);

/// One instant, read from both clocks together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// Wall clock, for labels.
    pub wall: Wall,
    /// Boot clock, for durations.
    pub boot: Boot,
}

impl Wall {
    /// A wall time from whole seconds since the epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Signed distance `self - earlier`.
    pub const fn since(self, earlier: Self) -> SignedDuration {
        SignedDuration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// This time moved back by whole seconds, saturating.
    #[must_use]
    pub const fn minus_secs(self, secs: i64) -> Self {
        Self(self.0.saturating_sub(secs.saturating_mul(1_000_000)))
    }

    /// This time moved forward by whole seconds, saturating.
    #[must_use]
    pub const fn plus_secs(self, secs: i64) -> Self {
        self.minus_secs(-secs)
    }

    /// RFC 3339 in UTC with whole seconds, as the JSON contract wants it.
    pub fn rfc3339(self) -> String {
        let secs = self.0.div_euclid(1_000_000);
        Timestamp::from_second(secs).unwrap_or_default().to_string()
    }

    /// `HH:MM:SS` in the given zone.
    pub fn clock(self, zone: &TimeZone) -> String {
        Timestamp::from_microsecond(self.0)
            .unwrap_or_default()
            .to_zoned(zone.clone())
            .strftime("%H:%M:%S")
            .to_string()
    }
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl Boot {
    /// Seconds since `earlier`, zero when `earlier` is later.
    pub const fn secs_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}
