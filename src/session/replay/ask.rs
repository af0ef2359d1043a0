//! What a person asks of a recording.

use crate::observation::Wall;

/// Where to go in a recording, or how to move in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Play, or pause.
    Play,
    /// Play faster.
    Faster,
    /// Play slower.
    Slower,
    /// Go to the next thing that was seen and told something new, or was done.
    Next,
    /// Go to the one before.
    Previous,
    /// Go to the next change of the diagnosis.
    NextChange,
    /// Go to the one before.
    PreviousChange,
    /// Go to where requests are first seen to fail.
    FirstFailure,
    /// Go to the beginning.
    Start,
    /// Go to the end.
    End,
    /// Go on by some seconds.
    Forward,
    /// Go back by some seconds.
    Back,
    /// Ask which time to go to.
    Time,
    /// Go to a time.
    To(Wall),
}

impl Ask {
    /// Seconds of [`Self::Forward`] and [`Self::Back`].
    pub const SECONDS: u64 = 10;

    /// Whether one stands still there, because one goes there to look.
    pub(super) const fn stops(self) -> bool {
        !matches!(
            self,
            Self::Play
                | Self::Faster
                | Self::Slower
                | Self::Start
                | Self::Forward
                | Self::Back
                | Self::Time
        )
    }
}

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speed(u8);

/// Quarters of the speed at which it happened, and in words.
const SPEEDS: [(u64, &str); 9] = [
    (1, "×¼"),
    (2, "×½"),
    (4, "×1"),
    (8, "×2"),
    (16, "×4"),
    (40, "×10"),
    (100, "×25"),
    (200, "×50"),
    (400, "×100"),
];

impl Default for Speed {
    /// As it happened.
    fn default() -> Self {
        Self(2)
    }
}

impl Speed {
    /// The next higher one.
    #[must_use]
    pub fn faster(self) -> Self {
        let last = u8::try_from(SPEEDS.len().saturating_sub(1)).unwrap_or(u8::MAX);
        Self(self.0.saturating_add(1).min(last))
    }

    /// The next lower one.
    #[must_use]
    pub const fn slower(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The one that plays so many times as fast as it happened (`0.5`, `10`), if there is one.
    pub fn times(text: &str) -> Option<Self> {
        let wanted = match text {
            "0.25" | "¼" | "1/4" => "×¼",
            "0.5" | "½" | "1/2" => "×½",
            whole => &format!("×{whole}"),
        };
        let at = SPEEDS.iter().position(|(_, words)| *words == wanted)?;
        u8::try_from(at).ok().map(Self)
    }

    /// It in words.
    pub fn words(self) -> &'static str {
        SPEEDS.get(usize::from(self.0)).map_or("×1", |(_, words)| words)
    }

    /// Microseconds of the recording that pass in so many microseconds.
    pub(super) fn of(self, micros: u64) -> u64 {
        let quarters = SPEEDS.get(usize::from(self.0)).map_or(4, |(quarters, _)| *quarters);
        micros.saturating_mul(quarters) / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_go_from_a_quarter_to_a_hundred_and_no_further() {
        let mut speed = Speed::default();
        assert_eq!((speed.words(), speed.of(1_000)), ("×1", 1_000));
        for _ in 0..20 {
            speed = speed.faster();
        }
        assert_eq!((speed.words(), speed.of(1_000)), ("×100", 100_000));
        for _ in 0..20 {
            speed = speed.slower();
        }
        assert_eq!((speed.words(), speed.of(1_000)), ("×¼", 250));
        assert_eq!(Speed::times("0.5").map(Speed::words), Some("×½"));
        assert_eq!(Speed::times("100").map(Speed::words), Some("×100"));
        assert_eq!(Speed::times("3"), None);
        assert_eq!(Speed::times(""), None);
    }
}
