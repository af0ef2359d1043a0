//! States kept on the way, so that going back does not begin at the beginning.

use crate::evidence::CaseFile;

use super::tape::Cursor;

/// States kept at most. Each shares its log lines with its neighbours.
const MOST: usize = 24;
/// Entries between two of them at first; twice as many whenever there are too many.
const EVERY: usize = 512;

/// A state after so many entries.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Entries that are in it.
    pub(super) folded: usize,
    /// Where the next one is read.
    pub(super) cursor: Cursor,
    /// What was known.
    pub(super) case: CaseFile,
}

/// Some of them, evenly spread.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    states: Vec<State>,
    every: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self { states: Vec::new(), every: EVERY }
    }
}

impl Kept {
    /// Whether a state after so many entries would be kept.
    pub(super) fn wants(&self, folded: usize) -> bool {
        let last = self.states.last().map_or(0, |state| state.folded);
        folded >= last.saturating_add(self.every)
    }

    /// Keeps one.
    pub(super) fn keep(&mut self, state: State) {
        self.states.push(state);
        if self.states.len() > MOST {
            self.every = self.every.saturating_mul(2);
            let mut at = 0_usize;
            self.states.retain(|_| {
                at += 1;
                at.is_multiple_of(2)
            });
        }
    }

    /// The newest that holds no more than so many entries.
    pub(super) fn before(&self, folded: usize) -> Option<&State> {
        let count = self.states.partition_point(|state| state.folded <= folded);
        count.checked_sub(1).and_then(|at| self.states.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_long_it_is_few_states_are_kept_and_they_stand_evenly() {
        let mut kept = Kept::default();
        for folded in 0..200_000 {
            if kept.wants(folded) {
                let cursor = Cursor::default();
                kept.keep(State { folded, cursor, case: CaseFile::default() });
            }
        }
        assert!((MOST / 2..=MOST).contains(&kept.states.len()), "{}", kept.states.len());
        for asked in [0, 511, 70_000, 199_999] {
            let found = kept.before(asked).map_or(0, |state| state.folded);
            assert!(found <= asked && asked - found <= kept.every * 2, "{asked}: {found}");
        }
    }
}
