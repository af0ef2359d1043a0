//! The axis: which column stands for which time, and how many requests failed there.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    observation::Wall,
    session::{Shown, requests},
};

use super::Window;

/// The axis in so many columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Failed requests by minute, the most in a minute of each column; `None` before anything is
    /// known.
    pub failed: Vec<Option<u32>>,
    /// The most of all columns.
    pub peak: u32,
    window: Window,
}

impl Columns {
    /// The column of a moment; `None` outside the span.
    pub fn of(&self, at: Wall) -> Option<usize> {
        let count = i128::try_from(self.failed.len()).ok()?;
        let gone = i128::from(at.0) - i128::from(self.window.from.0);
        let whole = i128::from(self.window.to.0) - i128::from(self.window.from.0);
        if !self.window.holds(at) || count == 0 || whole <= 0 {
            return None;
        }
        usize::try_from((gone * count / whole).min(count - 1)).ok()
    }
}

/// Counts failed requests into so many columns of a span.
pub fn columns(shown: &Shown<'_>, window: Window, count: usize) -> Columns {
    let minutes = requests::by_minute(shown);
    let known = known_since(shown);
    let mut columns = Columns { failed: vec![None; count], peak: 0, window };
    let whole = i128::from(window.secs());
    let start = |column: usize| {
        let gone = whole * column as i128 / count.max(1) as i128;
        window.from.plus_secs(i64::try_from(gone).unwrap_or(0))
    };
    for column in 0..count {
        let (from, to) = (start(column), start(column + 1));
        let minute = |at: Wall| at.0.div_euclid(60_000_000);
        let last = minute(Wall(to.0.saturating_sub(1))).max(minute(from));
        let most = minutes.range(minute(from)..=last).map(|(_, n)| *n).max().unwrap_or(0);
        let seen = known.is_some_and(|known| to > known);
        if let Some(cell) = columns.failed.get_mut(column) {
            *cell = (seen || most > 0).then_some(most);
        }
        columns.peak = columns.peak.max(most);
    }
    columns
}

/// Since when requests are known: the oldest second or line that was read.
pub fn known_since(shown: &Shown<'_>) -> Option<Wall> {
    oldest(shown).or(shown.case.began.map(|began| began.wall))
}

pub(super) fn oldest(shown: &Shown<'_>) -> Option<Wall> {
    let case = shown.case;
    let second = case.access.seconds.keys().map(|(second, _)| Wall::from_secs(*second)).next();
    let line = case.logs.facts.iter().filter(|f| f.gateway.is_some()).map(|f| f.at).min();
    // With access logs these count, and the error log may reach further back.
    second.or(line)
}

/// Labels below the axis: column and text, so many that they do not touch.
pub fn ticks(window: Window, count: usize, zone: &TimeZone) -> Vec<(usize, String)> {
    const STEPS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080];
    const ROOM: i64 = 12;
    let columns = i64::try_from(count).unwrap_or(0).max(1);
    let secs = window.secs();
    let fits = |step: &&i64| **step * 60 * columns / secs >= ROOM;
    let step = STEPS.iter().find(fits).copied().unwrap_or(40_320) * 60;
    let stamp = |at: Wall| Timestamp::from_microsecond(at.0).unwrap_or_default();
    let offset = i64::from(zone.to_offset(stamp(window.to)).seconds());
    let begin = window.from.0.div_euclid(1_000_000) + offset;
    let first = begin.div_euclid(step) * step + if begin.rem_euclid(step) == 0 { 0 } else { step };
    let mut labels = Vec::new();
    let mut local = first;
    while local - begin < secs && labels.len() < count {
        let at = Wall::from_secs(local - offset);
        let form = if step >= 86_400 { "%m-%d" } else { "%H:%M" };
        let text = stamp(at).to_zoned(zone.clone()).strftime(form).to_string();
        let column = usize::try_from((local - begin) * columns / secs).unwrap_or(0);
        labels.push((column, text));
        local += step;
    }
    labels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_moment_of_the_span_has_a_column_and_no_other_has(
            from in -4_000_000_000_i64..4_000_000_000, minutes in 1_i64..600_000,
            count in 0_usize..300, at in -9_000_000_000_i64..9_000_000_000,
        ) {
            let window = Window { from: Wall::from_secs(from), to: Wall::from_secs(from + minutes * 60) };
            let columns = Columns { failed: vec![None; count], peak: 0, window };
            let column = columns.of(Wall::from_secs(at));
            prop_assert_eq!(column.is_some(), count > 0 && window.holds(Wall::from_secs(at)));
            prop_assert!(column.is_none_or(|column| column < count));
            let mut end = 0;
            for (column, text) in ticks(window, count, &TimeZone::UTC) {
                prop_assert!(column >= end && column < count.max(1));
                end = column + text.len() + 1;
            }
        }
    }
}
