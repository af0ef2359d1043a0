//! Many patterns as one automaton. The engine is the one below the `regex` crate, whose sets also
//! keep an automaton for each direction and two slower engines that are never asked here.

use std::sync::{Mutex, PoisonError};

use regex_automata::{
    Input, MatchKind, PatternSet as Hits,
    hybrid::dfa::{Cache, DFA},
    nfa::thompson,
    util::syntax,
};

/// Patterns over bytes, matched at once.
#[derive(Debug)]
pub(super) struct PatternSet {
    automaton: DFA,
    /// What has been built of it while matching.
    built: Mutex<Cache>,
}

impl PatternSet {
    /// Compiles patterns within bounds in bytes: of the patterns, and of what is built while
    /// matching. `None` when they do not fit or are wrong.
    pub(super) fn new(patterns: &[&str], size: usize, built: usize) -> Option<Self> {
        let automaton = DFA::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(size)).shrink(false))
            .configure(DFA::config().match_kind(MatchKind::All).cache_capacity(built))
            .build_many(patterns)
            .ok()?;
        let built = Mutex::new(automaton.create_cache());
        Some(Self { automaton, built })
    }

    /// Which patterns match somewhere in a text, in their order.
    pub(super) fn matches(&self, text: &[u8]) -> Vec<usize> {
        let mut hits = Hits::new(self.automaton.pattern_len());
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        // It fails only where it was told to give up, which it was not.
        let found =
            self.automaton.try_which_overlapping_matches(&mut built, &Input::new(text), &mut hits);
        match found {
            Ok(()) => hits.iter().map(|hit| hit.as_usize()).collect(),
            Err(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_that_matches_is_told_in_order_also_in_bytes_that_are_no_text() {
        let set = PatternSet::new(&["^a.c", "z", r"\bbc\b", "b"], 1 << 20, 1 << 20).unwrap();
        assert_eq!(set.matches(b"abc"), [0, 3]);
        assert_eq!(set.matches(b"a\xffc bc z"), [0, 1, 2, 3]);
        assert_eq!(set.matches(b""), [0_usize; 0]);
    }

    #[test]
    fn a_set_that_does_not_fit_or_is_wrong_is_none() {
        assert!(PatternSet::new(&["(a{500}){500}"], 1 << 10, 1 << 20).is_none());
        assert!(PatternSet::new(&["("], 1 << 20, 1 << 20).is_none());
    }
}
