//! The lines that are shown, in the order of time, and how many there are at each time.

use std::collections::{BTreeMap, VecDeque};

use crate::{evidence::lines::Line, observation::Wall};

use super::{
    fold::{Fold, Folds},
    state::Key,
};

/// Lines are counted in slices of so many seconds.
pub const SLICE_SECS: i64 = 10;

/// A line that is shown, or several that say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which line; of several the one that came first.
    pub key: Key,
    /// How many lines.
    pub times: u32,
    /// Whether it tells of a failure.
    pub error: bool,
    /// Whether what is searched for is in one of them.
    pub hit: bool,
}

/// Lines and failures of one slice of time.
pub type Count = (u32, u32);

/// The shown lines, oldest first. Lines come nearly in order, so that nothing is sorted twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    list: VecDeque<Row>,
    slices: BTreeMap<i64, Count>,
    /// Where repeated lines are one row.
    folds: Option<Folds>,
    lines: usize,
    errors: usize,
    hits: usize,
}

impl Rows {
    /// None yet; repeated lines are to be one row, or not.
    pub(super) fn new(folded: bool) -> Self {
        Self { folds: folded.then(Folds::default), ..Self::default() }
    }

    /// How many lines the rows stand for.
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The row at an index.
    pub fn get(&self, at: usize) -> Option<&Row> {
        self.list.get(at)
    }

    /// Rows from an index on.
    pub fn from(&self, at: usize) -> impl DoubleEndedIterator<Item = &Row> {
        self.list.range(at.min(self.list.len())..)
    }

    /// Rows before an index.
    pub fn before(&self, at: usize) -> impl DoubleEndedIterator<Item = &Row> {
        self.list.range(..at.min(self.list.len()))
    }

    /// The newest row.
    pub fn last(&self) -> Option<&Row> {
        self.list.back()
    }

    /// How many lines tell of a failure.
    pub const fn errors(&self) -> usize {
        self.errors
    }

    /// In how many rows the searched is.
    pub const fn hits(&self) -> usize {
        self.hits
    }

    /// Lines and failures by slice of [`SLICE_SECS`] since the epoch.
    pub const fn slices(&self) -> &BTreeMap<i64, Count> {
        &self.slices
    }

    /// How many rows stand before this line.
    pub fn index(&self, key: Key) -> usize {
        self.list.partition_point(|row| row.key < key)
    }

    /// Whether this line is shown.
    pub fn has(&self, key: Key) -> bool {
        self.list.get(self.index(key)).is_some_and(|row| row.key == key)
    }

    /// The row of this line, or the one nearest to where it would be.
    pub fn nearest(&self, key: Key) -> usize {
        self.index(key).min(self.list.len().saturating_sub(1))
    }

    /// Shows a line, in the row of those that say the same where they are folded.
    pub(super) fn add(&mut self, line: &Line<'_>, hit: bool) {
        let key = Key::of(line);
        if self.has(key) {
            return;
        }
        let one = Row { key, times: 1, error: line.is_error(), hit };
        let fold = self.folds.as_mut().zip(Fold::of(line));
        let head = fold.and_then(|(folds, fold)| folds.take(fold, key));
        let at = head.map(|head| self.index(head));
        let Some(row) = at.and_then(|at| self.list.get_mut(at)) else { return self.put(one) };
        row.times = row.times.saturating_add(1);
        let more = hit && !row.hit;
        row.hit |= hit;
        self.count(Row { hit: more, ..one }, true);
    }

    /// Shows a line in a row of its own.
    pub(super) fn add_alone(&mut self, line: &Line<'_>, hit: bool) {
        self.put(Row { key: Key::of(line), times: 1, error: line.is_error(), hit });
    }

    fn put(&mut self, row: Row) {
        if self.list.back().is_none_or(|last| last.key < row.key) {
            self.list.push_back(row);
        } else {
            let at = self.index(row.key);
            if self.list.get(at).is_some_and(|there| there.key == row.key) {
                return;
            }
            self.list.insert(at, row);
        }
        self.count(row, true);
    }

    /// Hides one line.
    pub(super) fn remove(&mut self, key: Key) {
        if self.has(key)
            && let Some(row) = self.list.remove(self.index(key))
        {
            self.count(row, false);
        }
    }

    /// Hides the lines before a number, but for those that are to stay.
    pub(super) fn forget(&mut self, first: u64, stays: impl Fn(Key) -> bool) {
        if let Some(mut folds) = self.folds.take() {
            folds.forget(first, |head, now, left| self.shrink(head, now, left, stays(head)));
            self.folds = Some(folds);
        }
        let mut rows = std::mem::take(&mut self.list);
        rows.retain(|row| {
            let stay = row.key.seq >= first || stays(row.key);
            if !stay {
                self.count(*row, false);
            }
            stay
        });
        self.list = rows;
    }

    /// Of the lines of a row the first ones are gone: it stands for the next one now, if any. A
    /// first one that stays all the same has a row of its own.
    fn shrink(&mut self, head: Key, now: Option<Key>, left: u32, stays: bool) {
        let at = self.index(head);
        let Some(row) = self.list.get(at).copied().filter(|row| row.key == head) else { return };
        self.list.remove(at);
        self.count(row, false);
        if stays {
            self.put(Row { times: 1, ..row });
        }
        if let Some(key) = now {
            self.put(Row { key, times: left, ..row });
        }
    }

    /// Forgets in which lines the searched is.
    pub(super) fn clear_hits(&mut self) {
        self.hits = 0;
        for row in &mut self.list {
            row.hit = false;
        }
    }

    /// Says whether the searched is in a line.
    pub(super) fn set_hit(&mut self, at: usize, hit: bool) {
        if let Some(row) = self.list.get_mut(at) {
            self.hits = self.hits.saturating_sub(usize::from(row.hit)) + usize::from(hit);
            row.hit = hit;
        }
    }

    fn count(&mut self, row: Row, more: bool) {
        let slice = slice_of(row.key.order);
        let failed = if row.error { row.times } else { 0 };
        let (all, errors) = self.slices.entry(slice).or_default();
        if more {
            *all = all.saturating_add(row.times);
            *errors = errors.saturating_add(failed);
            self.lines += row.times as usize;
            self.errors += failed as usize;
            self.hits += usize::from(row.hit);
        } else {
            *all = all.saturating_sub(row.times);
            *errors = errors.saturating_sub(failed);
            if *all == 0 {
                self.slices.remove(&slice);
            }
            self.lines = self.lines.saturating_sub(row.times as usize);
            self.errors = self.errors.saturating_sub(failed as usize);
            self.hits = self.hits.saturating_sub(usize::from(row.hit));
        }
    }
}

/// The slice of a moment.
pub const fn slice_of(at: Wall) -> i64 {
    at.0.div_euclid(SLICE_SECS * 1_000_000)
}
