//! Repeated lines as one row: those of one slice of time that say the same but for numbers.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::evidence::lines::{Kind, Line};

use super::{rows::slice_of, state::Key};

/// Which lines are one row: a slice of time, and what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fold {
    slice: i64,
    says: u64,
}

impl Fold {
    /// Of a line; none where every line counts by itself.
    pub(super) fn of(line: &Line<'_>) -> Option<Self> {
        (line.kind != Kind::Gap).then(|| Self { slice: slice_of(line.order), says: says(line) })
    }
}

/// The lines of each folded row, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Folds(HashMap<Fold, VecDeque<Key>>);

impl Folds {
    /// Takes a line in. The line that its row stands for, where there is one already.
    pub(super) fn take(&mut self, fold: Fold, key: Key) -> Option<Key> {
        let members = self.0.entry(fold).or_default();
        let first = members.front().copied();
        members.push_back(key);
        first
    }

    /// Lets go of lines before a number. Calls with the line that a row stood for, the one that it
    /// stands for now, and of how many lines.
    pub(super) fn forget(&mut self, first: u64, mut changed: impl FnMut(Key, Option<Key>, u32)) {
        self.0.retain(|_, members| {
            let Some(head) = members.front().copied() else { return false };
            while members.front().is_some_and(|key| key.seq < first) {
                members.pop_front();
            }
            let now = members.front().copied();
            if now != Some(head) {
                changed(head, now, u32::try_from(members.len()).unwrap_or(u32::MAX));
            }
            now.is_some()
        });
    }
}

/// What a line says, without what differs each time: every word with a digit in it.
fn says(line: &Line<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line.source.name.as_str(), line.upstream, line.level, line.status).hash(&mut hasher);
    for word in line.headline().split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let differs = word.bytes().any(|byte| byte.is_ascii_digit());
        let mark = word.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        if differs { mark.hash(&mut hasher) } else { word.hash(&mut hasher) }
    }
    hasher.finish()
}
