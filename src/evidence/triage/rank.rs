//! The most frequent of many values, in bounded memory.

use std::{cmp::Reverse, collections::HashMap};

use crate::observation::{Ranked, Ranking, Text, Wall};

/// Values kept before the rare ones are dropped.
const KEPT: usize = 2048;
/// Values that stay then.
const STAY: usize = 512;
/// Minutes kept of one value.
const MINUTES: usize = 256;
/// Values shown.
const SHOWN: usize = 20;
/// Longest value kept, in bytes.
const LONGEST: usize = 320;

/// One value's count.
#[derive(Clone, Debug)]
struct Slot {
    count: u64,
    /// The most that it may have been before it was kept.
    missed: u64,
    first: Wall,
    last: Wall,
    minutes: Vec<(i64, u32)>,
}

/// Counts values. The rare ones are dropped when there are too many; how much that may hide is
/// known (lossy counting, Manku and Motwani 2002).
#[derive(Clone, Debug, Default)]
pub(super) struct Rank {
    slots: HashMap<Box<[u8]>, Slot>,
    counted: u64,
    /// Counts of what was dropped.
    dropped: u64,
    /// The highest count that was dropped.
    floor: u64,
}

impl Rank {
    /// Counts a value.
    pub(super) fn add(&mut self, value: &[u8], at: Wall) {
        let value = value.get(..LONGEST).unwrap_or(value);
        self.counted += 1;
        let minute = at.0.div_euclid(60_000_000);
        if let Some(slot) = self.slots.get_mut(value) {
            slot.count += 1;
            slot.first = slot.first.min(at);
            slot.last = slot.last.max(at);
            count_minute(&mut slot.minutes, minute, 1);
            return;
        }
        if self.slots.len() >= KEPT {
            self.prune();
        }
        let slot =
            Slot { count: 1, missed: self.floor, first: at, last: at, minutes: vec![(minute, 1)] };
        self.slots.insert(value.into(), slot);
    }

    fn prune(&mut self) {
        let mut counts: Vec<u64> = self.slots.values().map(|slot| slot.count).collect();
        let (_, least, _) = counts.select_nth_unstable_by_key(STAY, |count| Reverse(*count));
        let least = *least;
        let (dropped, floor) = (&mut self.dropped, &mut self.floor);
        self.slots.retain(|_, slot| {
            let stays = slot.count > least;
            if !stays {
                *dropped += slot.count;
                *floor = (*floor).max(slot.count + slot.missed);
            }
            stays
        });
        // Very many of one count: they cannot be told apart, and all of them were dropped.
        self.slots.shrink_to(KEPT);
    }

    /// Adds what another has counted.
    pub(super) fn merge(&mut self, other: Self) {
        self.counted += other.counted;
        self.dropped += other.dropped;
        let (own_floor, floor) = (self.floor, other.floor);
        for (value, theirs) in other.slots {
            if let Some(slot) = self.slots.get_mut(&value) {
                slot.count += theirs.count;
                slot.missed += theirs.missed;
                slot.first = slot.first.min(theirs.first);
                slot.last = slot.last.max(theirs.last);
                for (minute, n) in theirs.minutes {
                    count_minute(&mut slot.minutes, minute, n);
                }
            } else {
                self.slots.insert(value, Slot { missed: theirs.missed + own_floor, ..theirs });
            }
        }
        self.floor += floor;
        if self.slots.len() > 2 * KEPT {
            self.prune();
        }
    }

    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.counted == 0
    }

    /// Most counted values of an episode, then of all. `meaning` explains a value.
    pub(super) fn ranking(
        &self,
        episode: Option<(Wall, Wall)>,
        meaning: impl Fn(&[u8]) -> Text,
    ) -> Ranking {
        let within = |slot: &Slot| match episode {
            Some((first, last)) if slot.first >= first && slot.last <= last => slot.count,
            Some((first, last)) => {
                let minute = |at: Wall| at.0.div_euclid(60_000_000);
                let known =
                    slot.minutes.iter().filter(|(m, _)| (minute(first)..=minute(last)).contains(m));
                known.map(|(_, n)| u64::from(*n)).sum()
            }
            None => slot.count,
        };
        let mut all: Vec<(u64, &Box<[u8]>, &Slot)> =
            self.slots.iter().map(|(value, slot)| (within(slot), value, slot)).collect();
        all.sort_by(|a, b| (b.0, b.2.count, a.1).cmp(&(a.0, a.2.count, b.1)));
        all.truncate(SHOWN);
        let shown: u64 = all.iter().map(|(_, _, slot)| slot.count).sum();
        let top: Vec<Ranked> = all
            .iter()
            .map(|(in_episode, value, slot)| Ranked {
                name: Text::from_bytes(value),
                failures: slot.count,
                in_episode: *in_episode,
                // What has no time was counted at the epoch.
                first: Some(slot.first).filter(|at| at.0 > 0),
                last: Some(slot.last).filter(|at| at.0 > 0),
                minutes: slot.minutes.iter().filter(|(minute, _)| *minute > 0).copied().collect(),
                meaning: meaning(value),
            })
            .collect();
        let error = all.iter().map(|(_, _, slot)| slot.missed).max().unwrap_or(0);
        Ranking { top, counted: self.counted, others: self.counted.saturating_sub(shown), error }
    }
}

/// Counts in a list of minutes that mostly grows at its end; the oldest go when it is full.
pub(super) fn count_minute(minutes: &mut Vec<(i64, u32)>, minute: i64, n: u32) {
    if let Some(last) = minutes.last_mut().filter(|last| last.0 == minute) {
        last.1 = last.1.saturating_add(n);
        return;
    }
    match minutes.binary_search_by_key(&minute, |(m, _)| *m) {
        Ok(at) => {
            if let Some(known) = minutes.get_mut(at) {
                known.1 = known.1.saturating_add(n);
            }
        }
        Err(at) => {
            minutes.insert(at, (minute, n));
            if minutes.len() > MINUTES {
                minutes.remove(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn at(secs: i64) -> Wall {
        Wall::from_secs(secs)
    }

    #[test]
    fn a_flood_of_rare_values_takes_no_memory_and_hides_no_frequent_one() {
        let mut rank = Rank::default();
        for n in 0..200_000_u32 {
            rank.add(format!("/scan/{n}").as_bytes(), at(i64::from(n)));
            if n % 10 == 0 {
                rank.add(b"/cart", at(i64::from(n)));
            }
        }
        assert!(rank.slots.len() <= KEPT + 1);
        let ranking = rank.ranking(None, |_| Text::default());
        let first = ranking.top.first().unwrap();
        assert_eq!(first.name.raw(), "/cart");
        assert_eq!(first.failures, 20_000);
        assert_eq!(ranking.counted, 220_000);
        assert!(ranking.others >= 199_000);
    }

    proptest! {
        #[test]
        fn few_values_are_counted_exactly_however_they_are_split(values in proptest::collection::vec((0_u8..40, 0_i64..10_000), 0..300), cut in 0_usize..300) {
            let mut exact: BTreeMap<u8, u64> = BTreeMap::new();
            let (mut one, mut two) = (Rank::default(), Rank::default());
            for (n, (value, secs)) in values.iter().enumerate() {
                *exact.entry(*value).or_default() += 1;
                let rank = if n < cut { &mut one } else { &mut two };
                rank.add(&[*value], at(*secs));
            }
            one.merge(two);
            for (value, count) in exact {
                prop_assert_eq!(one.slots[&[value][..]].count, count);
            }
            prop_assert_eq!(one.floor, 0);
        }
    }
}
