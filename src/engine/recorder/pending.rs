//! What is seen while nothing can be written: kept as far as it still matters when that is over.

use std::collections::{BTreeMap, HashSet};

use crate::{
    observation::{Moment, SourceId},
    session::recording::{Entry, subject},
};

use super::queue::{gap, is_line};

/// Entries that are kept at most.
const MOST: usize = 8_192;

/// States, kills and deeds in their order; of each subject the newest.
#[derive(Debug, Default)]
pub(super) struct Pending {
    entries: Vec<Entry>,
    missed: BTreeMap<SourceId, u64>,
    last: Moment,
}

impl Pending {
    pub(super) fn take(&mut self, entry: Entry) {
        self.last = entry.at();
        if let Entry::Seen(seen) = &entry
            && is_line(&seen.seen)
        {
            *self.missed.entry(seen.source).or_default() += 1;
            return;
        }
        self.entries.push(entry);
        if self.entries.len() > MOST {
            self.compact();
        }
    }

    /// Drops what something newer replaces, and then the older half.
    fn compact(&mut self) {
        let mut newer = HashSet::new();
        let mut kept: Vec<Entry> = std::mem::take(&mut self.entries);
        kept.reverse();
        kept.retain(|entry| match entry {
            Entry::Seen(seen) => subject(seen).is_none_or(|subject| newer.insert(subject)),
            _ => true,
        });
        kept.reverse();
        if kept.len() > MOST / 2 {
            for entry in kept.drain(..kept.len() - MOST / 2) {
                if let Entry::Seen(seen) = entry {
                    *self.missed.entry(seen.source).or_default() += 1;
                }
            }
        }
        self.entries = kept;
    }

    /// All of it, and how much is missing.
    pub(super) fn end(&mut self, why: &str) -> Vec<Entry> {
        self.compact();
        let mut all = std::mem::take(&mut self.entries);
        let missed = std::mem::take(&mut self.missed);
        let why = format!("recording was paused: {why}");
        all.extend(missed.into_iter().map(|(source, lines)| gap(source, lines, self.last, &why)));
        all
    }
}
