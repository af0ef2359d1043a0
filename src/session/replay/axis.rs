//! What the screen shows of a recording's time.

use crate::{diagnosis::Status, observation::Wall};

use super::{Speed, index::Elapsed};

/// How it stood at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Microseconds since the beginning.
    pub at: Elapsed,
    /// The state, by the rules of today.
    pub status: Status,
}

/// The diagnosis became another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Microseconds since the beginning.
    pub at: Elapsed,
    /// The state from then on.
    pub status: Status,
    /// Id of the first cause from then on, where there is one.
    pub cause: Option<&'static str>,
}

/// Something of the recording is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// In a sentence; empty where nothing is missing.
    pub words: String,
    /// Records that are missing, as far as that is known.
    pub records: u64,
    /// Where, by the clock of the recording: the first few places.
    pub places: Vec<Wall>,
}

/// A recording's time: how long it is, what happened when, and where one stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// Name of the host on which it was recorded; empty where it was left out.
    pub host: String,
    /// When it begins.
    pub began: Wall,
    /// Where one stands, in microseconds since then.
    pub at: Elapsed,
    /// How long it is, as far as it has been read, in microseconds.
    pub end: Elapsed,
    /// Whether it is being played.
    pub playing: bool,
    /// How fast.
    pub speed: Speed,
    /// How much of it has been read, in percent; 100 for all that is there.
    pub read: u8,
    /// Whether it still grows.
    pub grows: bool,
    /// How it stood along the time.
    pub samples: Vec<Sample>,
    /// When the diagnosis changed, oldest first.
    pub changes: Vec<Change>,
    /// Changes that were cut for room.
    pub more_changes: u64,
    /// When something was done.
    pub deeds: Vec<Elapsed>,
    /// Where requests are first seen to fail.
    pub first_failure: Option<Elapsed>,
    /// What is missing.
    pub lost: Lost,
    /// Whether it was composed by hand and never happened.
    pub composed: bool,
    /// What is being looked for while the rest is read; empty for nothing.
    pub seeks: &'static str,
}

/// The part of the time that stands in one column of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The worst state in it; `None` where it has not been read.
    pub status: Option<Status>,
    /// Whether something was done in it.
    pub deed: bool,
    /// Whether requests are first seen to fail in it.
    pub first: bool,
    /// Whether the diagnosis changes in it.
    pub changes: bool,
}

impl Axis {
    /// The column in which a place stands, of so many.
    pub fn column(&self, at: Elapsed, columns: usize) -> usize {
        let last = columns.saturating_sub(1);
        if self.end == 0 {
            return 0;
        }
        let column = u128::from(at) * last as u128 / u128::from(self.end);
        usize::try_from(column).unwrap_or(last).min(last)
    }

    /// The time in so many columns.
    pub fn stretches(&self, columns: usize) -> Vec<Stretch> {
        let mut all = vec![Stretch::default(); columns];
        let worse = |a: Option<Status>, b: Status| match a {
            Some(a) if weight(a) >= weight(b) => Some(a),
            _ => Some(b),
        };
        let mut samples = self.samples.iter().peekable();
        while let Some(sample) = samples.next() {
            // It stood so until the next one.
            let from = self.column(sample.at, columns);
            let to = samples.peek().map_or(columns, |next| self.column(next.at, columns));
            let part = all.iter_mut().take(to.max(from + 1)).skip(from);
            part.for_each(|stretch| stretch.status = worse(stretch.status, sample.status));
        }
        let mut put = |at: Elapsed, mark: fn(&mut Stretch)| {
            let column = self.column(at, columns);
            all.get_mut(column).into_iter().for_each(mark);
        };
        self.deeds.iter().for_each(|at| put(*at, |stretch| stretch.deed = true));
        self.changes.iter().for_each(|change| put(change.at, |stretch| stretch.changes = true));
        self.first_failure.iter().for_each(|at| put(*at, |stretch| stretch.first = true));
        all
    }

    /// The next change of the diagnosis.
    pub fn next_change(&self) -> Option<&Change> {
        let count = self.changes.partition_point(|change| change.at <= self.at);
        self.changes.get(count)
    }
}

/// Which of two states a column shows.
const fn weight(status: Status) -> u8 {
    match status {
        Status::Unknown => 0,
        Status::Healthy => 1,
        Status::Degraded => 2,
        Status::Failing => 3,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_column_shows_the_worst_that_was_in_it_and_what_it_stayed_at() {
        let sample = |at, status| Sample { at, status };
        let axis = Axis {
            end: 100,
            samples: vec![
                sample(0, Status::Healthy),
                sample(50, Status::Failing),
                sample(51, Status::Healthy),
                sample(80, Status::Degraded),
            ],
            deeds: vec![60],
            first_failure: Some(50),
            ..Axis::default()
        };
        let all = axis.stretches(11);
        let states: Vec<_> = all.iter().filter_map(|stretch| stretch.status).collect();
        let (good, bad, half) = (Status::Healthy, Status::Failing, Status::Degraded);
        assert_eq!(states, [good, good, good, good, good, bad, good, good, half, half, half]);
        assert!(all[6].deed && all[5].first);
        assert_eq!(axis.column(100, 11), 10);
    }

    proptest! {
        #[test]
        fn no_time_falls_out_of_the_axis(
            end: u64, columns in 0_usize..300,
            places in prop::collection::vec(any::<u64>(), 0..20), at: u64,
        ) {
            let mut places = places;
            places.sort_unstable();
            let samples = places.iter().map(|at| Sample { at: *at, status: Status::Failing });
            let axis = Axis {
                at, end,
                samples: samples.collect(),
                deeds: places.clone(),
                first_failure: Some(at),
                ..Axis::default()
            };
            prop_assert_eq!(axis.stretches(columns).len(), columns);
            prop_assert!(axis.column(at, columns) <= columns.saturating_sub(1));
        }
    }
}
