//! Where every entry of a recording stands in time.

use crate::observation::{Boot, Moment, Wall};

/// Time that has passed since the first entry, in microseconds. It follows the clock since boot,
/// and so never jumps with the wall clock; it never goes back.
pub(super) type Elapsed = u64;

/// One entry.
#[derive(Clone, Copy, Debug)]
struct Stand {
    elapsed: Elapsed,
    /// The latest wall time so far.
    wall: Wall,
    /// Whether it tells something new.
    news: bool,
}

/// All entries that have been read, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    stands: Vec<Stand>,
    /// The latest moment so far, each clock for itself.
    last: Option<Moment>,
    /// The first time that anybody told.
    began: Wall,
}

impl Index {
    /// Adds an entry; one without a time of its own stands where the one before it does.
    pub(super) fn push(&mut self, at: Option<Moment>, news: bool) {
        let before = self.end();
        let Some(at) = at else {
            let wall = self.stands.last().map_or(Wall(i64::MIN), |stand| stand.wall);
            self.stands.push(Stand { elapsed: before, wall, news });
            return;
        };
        let step = self.last.map_or(0, |last| passed(last, at));
        let last = self.last.unwrap_or(at);
        if self.last.is_none() {
            self.began = at.wall;
        }
        let last = Moment { wall: last.wall.max(at.wall), boot: last.boot.max(at.boot) };
        self.last = Some(last);
        let elapsed = before.saturating_add(step);
        self.stands.push(Stand { elapsed, wall: last.wall, news });
    }

    /// Another start of a host, whose clock since boot began anew.
    pub(super) fn reboot(&mut self) {
        if let Some(last) = &mut self.last {
            last.boot = Boot(0);
        }
    }

    /// Entries.
    pub(super) const fn len(&self) -> usize {
        self.stands.len()
    }

    /// Where the newest entry stands.
    pub(super) fn end(&self) -> Elapsed {
        self.stands.last().map_or(0, |stand| stand.elapsed)
    }

    /// When the first entry was made.
    pub(super) const fn began(&self) -> Wall {
        self.began
    }

    /// How many entries had been made by then.
    pub(super) fn upto(&self, elapsed: Elapsed) -> usize {
        self.stands.partition_point(|stand| stand.elapsed <= elapsed)
    }

    /// Where an entry stands, counted from 0.
    pub(super) fn at(&self, entry: usize) -> Option<Elapsed> {
        self.stands.get(entry).map(|stand| stand.elapsed)
    }

    /// Where the first entry behind a place stands that tells something new.
    pub(super) fn news_after(&self, elapsed: Elapsed) -> Option<Elapsed> {
        let rest = self.stands.iter().skip(self.upto(elapsed));
        rest.into_iter().find(|stand| stand.news).map(|stand| stand.elapsed)
    }

    /// Where the last entry before a place stands that tells something new.
    pub(super) fn news_before(&self, elapsed: Elapsed) -> Option<Elapsed> {
        let count = self.stands.partition_point(|stand| stand.elapsed < elapsed);
        let before = self.stands.get(..count).unwrap_or_default();
        before.iter().rev().find(|stand| stand.news).map(|stand| stand.elapsed)
    }

    /// Where a wall time stands; the beginning or the end for one that lies outside.
    pub(super) fn of_wall(&self, wall: Wall) -> Elapsed {
        let after = self.stands.partition_point(|stand| stand.wall <= wall);
        let Some(before) = after.checked_sub(1).and_then(|at| self.stands.get(at)) else {
            return 0;
        };
        let more = u64::try_from(i128::from(wall.0) - i128::from(before.wall.0)).unwrap_or(0);
        let most = self.at(after).map_or(self.end(), |next| next.saturating_sub(1));
        before.elapsed.saturating_add(more).min(most.max(before.elapsed))
    }
}

/// What has passed from one moment to the next, by the clock that does not jump where both know it.
fn passed(from: Moment, to: Moment) -> Elapsed {
    if to.boot == Boot(0) && from.boot == Boot(0) {
        let micros = i128::from(to.wall.0) - i128::from(from.wall.0);
        return u64::try_from(micros.max(0)).unwrap_or(u64::MAX);
    }
    if from.boot == Boot(0) {
        // The host was started anew: only the wall clock knows how long it was away.
        let micros = i128::from(to.wall.0) - i128::from(from.wall.0);
        return u64::try_from(micros.max(0)).unwrap_or(u64::MAX);
    }
    to.boot.0.saturating_sub(from.boot.0)
}

/// A moment, so many microseconds later.
pub(super) fn later(at: Moment, micros: Elapsed) -> Moment {
    let wall = i64::try_from(micros).unwrap_or(i64::MAX);
    Moment {
        wall: Wall(at.wall.0.saturating_add(wall)),
        boot: Boot(at.boot.0.saturating_add(micros)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, boot: u64) -> Option<Moment> {
        Some(Moment { wall: Wall::from_secs(wall), boot: Boot(boot * 1_000_000) })
    }

    #[test]
    fn the_axis_follows_the_clock_that_does_not_jump() {
        let mut index = Index::default();
        index.push(None, false);
        // The wall clock is put back by an hour between the second and the third.
        for (wall, boot) in [(10_000, 50), (10_005, 55), (6_410, 60), (6_420, 70)] {
            index.push(at(wall, boot), true);
        }
        let stands: Vec<_> = (0..5).filter_map(|entry| index.at(entry)).collect();
        assert_eq!(stands, [0, 0, 5_000_000, 10_000_000, 20_000_000]);
        assert_eq!(index.upto(9_999_999), 3);
        assert_eq!(index.of_wall(Wall::from_secs(10_002)), 2_000_000);
        assert_eq!(index.of_wall(Wall::from_secs(1)), 0);
        assert_eq!(index.of_wall(Wall(i64::MAX)), 20_000_000);
    }

    #[test]
    fn without_a_clock_since_boot_the_wall_clock_counts_and_never_goes_back() {
        let mut index = Index::default();
        for wall in [100, 103, 90, 104] {
            index.push(at(wall, 0), false);
        }
        let stands: Vec<_> = (0..4).filter_map(|entry| index.at(entry)).collect();
        assert_eq!(stands, [0, 3_000_000, 3_000_000, 4_000_000]);
    }

    #[test]
    fn a_time_within_a_pause_stands_in_it() {
        let mut index = Index::default();
        index.push(at(100, 1), false);
        index.push(at(200, 101), false);
        assert_eq!(index.of_wall(Wall::from_secs(160)), 60_000_000);
        // The clock was put forward within the pause: nothing behind it has been seen yet.
        index.push(at(900, 102), false);
        assert_eq!(index.of_wall(Wall::from_secs(800)), 100_999_999);
    }
}
