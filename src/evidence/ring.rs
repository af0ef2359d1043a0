//! A list with a bound: the oldest goes first, and how many went is known.

use std::collections::{VecDeque, vec_deque};

/// A bounded list, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring<T> {
    items: VecDeque<T>,
    limit: usize,
    dropped: u64,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self::new(256)
    }
}

impl<T> Ring<T> {
    /// An empty ring that keeps at most `limit` items.
    pub const fn new(limit: usize) -> Self {
        Self { items: VecDeque::new(), limit, dropped: 0 }
    }

    /// Adds the newest item.
    pub fn push(&mut self, item: T) {
        if self.items.len() >= self.limit {
            self.items.pop_front();
            self.dropped += 1;
        }
        self.items.push_back(item);
    }

    /// From oldest to newest.
    pub fn iter(&self) -> vec_deque::Iter<'_, T> {
        self.items.iter()
    }

    /// From oldest to newest, to be completed.
    pub fn iter_mut(&mut self) -> vec_deque::IterMut<'_, T> {
        self.items.iter_mut()
    }

    /// The newest.
    pub fn last(&self) -> Option<&T> {
        self.items.back()
    }

    /// Items held.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Items that had to go.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl<'a, T> IntoIterator for &'a Ring<T> {
    type Item = &'a T;
    type IntoIter = vec_deque::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}
