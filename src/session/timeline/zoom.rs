//! How much of the past the axis shows.

use crate::{observation::Wall, session::Shown};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// How much of the past is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zoom {
    /// The incident with what led to it; an hour without one.
    #[default]
    Fit,
    /// 15 minutes.
    Quarter,
    /// An hour.
    Hour,
    /// Six hours.
    SixHours,
    /// A day.
    Day,
    /// Everything that is known.
    All,
}

const STEPS: [(Zoom, i64); 4] = [
    (Zoom::Quarter, 15 * MINUTE),
    (Zoom::Hour, HOUR),
    (Zoom::SixHours, 6 * HOUR),
    (Zoom::Day, 24 * HOUR),
];

impl Zoom {
    /// Its name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fit => "the incident",
            Self::Quarter => "15 min",
            Self::Hour => "1 h",
            Self::SixHours => "6 h",
            Self::Day => "24 h",
            Self::All => "all",
        }
    }

    /// The next smaller span than the one on screen, in seconds.
    #[must_use]
    pub fn closer(self, secs: i64) -> Self {
        let smaller = STEPS.iter().rev().find(|(_, step)| *step < secs);
        smaller.map_or(Self::Quarter, |(zoom, _)| *zoom)
    }

    /// The next wider one.
    #[must_use]
    pub fn wider(self, secs: i64) -> Self {
        if self == Self::All {
            return self;
        }
        STEPS.iter().find(|(_, step)| *step > secs).map_or(Self::All, |(zoom, _)| *zoom)
    }
}

/// The span on screen, in whole minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub from: Wall,
    /// Its end: the minute that has begun.
    pub to: Wall,
}

impl Window {
    /// The span that a zoom means now; `oldest` is the oldest thing known.
    pub fn new(shown: &Shown<'_>, oldest: Option<Wall>) -> Self {
        let now = shown.case.now.wall;
        let to = Wall::from_secs((now.0.div_euclid(60_000_000)).saturating_add(1) * MINUTE);
        let step = STEPS.iter().find(|(zoom, _)| *zoom == shown.zoom).map(|(_, secs)| *secs);
        let least = to.minus_secs(15 * MINUTE);
        let from = match (step, shown.zoom) {
            (Some(secs), _) => to.minus_secs(secs),
            (None, Zoom::All) => oldest.unwrap_or(least).min(least),
            (None, _) => fit(shown, to),
        };
        Self { from: Wall::from_secs(from.0.div_euclid(60_000_000) * MINUTE), to }
    }

    /// Its length in seconds, at least 1.
    pub fn secs(self) -> i64 {
        self.to.since(self.from).as_secs().max(1)
    }

    /// Whether it holds a moment.
    pub fn holds(self, at: Wall) -> bool {
        self.from <= at && at <= self.to
    }
}

/// From a while before the incident began, or what caused it; an hour without an incident.
fn fit(shown: &Shown<'_>, to: Wall) -> Wall {
    let Some(first) = shown.diagnosis.incident.first else { return to.minus_secs(HOUR) };
    let all = shown.diagnosis.findings.iter().chain(&shown.diagnosis.recovered);
    let led = all.filter_map(|finding| finding.since);
    // What began long before the first failure is not what the span is for.
    let near = led.filter(|at| first.since(*at).as_secs() < HOUR).min().unwrap_or(first);
    let began = near.min(first);
    let lead = (to.since(began).as_secs() / 5).max(3 * MINUTE);
    began.minus_secs(lead).min(to.minus_secs(15 * MINUTE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_goes_from_what_is_seen_to_the_next_step() {
        assert_eq!(Zoom::Fit.closer(40 * MINUTE), Zoom::Quarter);
        assert_eq!(Zoom::Fit.wider(40 * MINUTE), Zoom::Hour);
        assert_eq!(Zoom::Hour.wider(HOUR), Zoom::SixHours);
        assert_eq!(Zoom::Day.wider(24 * HOUR), Zoom::All);
        assert_eq!(Zoom::All.wider(HOUR), Zoom::All);
        assert_eq!(Zoom::All.closer(90 * 24 * HOUR), Zoom::Day);
        assert_eq!(Zoom::Quarter.closer(15 * MINUTE), Zoom::Quarter);
    }
}
