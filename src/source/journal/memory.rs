//! Which entries were already published: the past, the live stream and the catching up overlap.

use std::collections::{HashSet, VecDeque};

use super::record::Entry;
use crate::observation::Wall;

/// Entries that are remembered.
const REMEMBERED: usize = 8192;

/// Entries already seen, and the newest of them.
#[derive(Debug, Default)]
pub(super) struct Memory {
    seen: HashSet<String>,
    order: VecDeque<String>,
    newest: Option<(Wall, String)>,
    /// Everything up to here was read without a gap.
    checkpoint: Option<String>,
    since_checkpoint: usize,
}

impl Memory {
    /// Whether an entry is new; from now on it is not.
    pub(super) fn is_new(&mut self, entry: &Entry) -> bool {
        if !self.seen.insert(entry.cursor.clone()) {
            return false;
        }
        self.order.push_back(entry.cursor.clone());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.since_checkpoint += 1;
        if self.newest.as_ref().is_none_or(|(at, _)| *at <= entry.at) {
            self.newest = Some((entry.at, entry.cursor.clone()));
        }
        true
    }

    /// The newest entry's place, for following on from there.
    pub(super) fn newest(&self) -> Option<&str> {
        self.newest.as_ref().map(|(_, cursor)| cursor.as_str())
    }

    /// From where to read again in case the live stream lost lines; `None` when there is no
    /// such place, or when more has passed than could be told from what was lost.
    pub(super) fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref().filter(|_| self.since_checkpoint < REMEMBERED / 2)
    }

    /// Everything up to the newest entry has been read.
    pub(super) fn settle(&mut self) {
        self.checkpoint = self.newest().map(str::to_owned);
        self.since_checkpoint = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::record::Record, *};
    use crate::observation::Text;

    fn entry(n: i64) -> Entry {
        let record = Record::Suppressed { unit: Text::default(), lines: 0 };
        Entry { cursor: format!("s={n}"), at: Wall(n), record }
    }

    #[test]
    fn an_entry_is_published_once_although_the_reads_overlap() {
        let mut memory = Memory::default();
        assert!(memory.is_new(&entry(1)) && memory.is_new(&entry(3)) && memory.is_new(&entry(2)));
        assert!(!memory.is_new(&entry(1)));
        assert_eq!(memory.newest(), Some("s=3"));
        assert_eq!(memory.checkpoint(), None);
        memory.settle();
        assert_eq!(memory.checkpoint(), Some("s=3"));
    }

    #[test]
    fn a_flood_is_forgotten_instead_of_growing() {
        let mut memory = Memory::default();
        memory.is_new(&entry(0));
        memory.settle();
        for n in 1..20_000 {
            memory.is_new(&entry(n));
        }
        assert_eq!(memory.seen.len(), REMEMBERED);
        assert_eq!(memory.checkpoint(), None);
    }
}
