//! Where failures came from, and what was asked for.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::{
    evidence::CaseFile,
    observation::{AccessEntry, Ranking, Text, Wall},
};

/// Values told of one kind.
const TOLD: usize = 8;

/// One value and its failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The value.
    pub name: Text,
    /// Failures with it.
    pub failures: u64,
}

/// The most frequent values: of the ranking of whole logs or of the requests that are remembered,
/// whichever knows more failures. `whole` says that the ranking is about the same time.
pub(super) fn most(
    case: &CaseFile,
    (first, last): (Wall, Wall),
    ranking: Option<&Ranking>,
    of: fn(&AccessEntry) -> Option<&Text>,
) -> Vec<Share> {
    let mut counted: BTreeMap<&Text, u64> = BTreeMap::new();
    let failed = case.access.entries.iter().filter(|entry| entry.status >= 500);
    for entry in failed.filter(|entry| first <= entry.at && entry.at <= last) {
        if let Some(name) = of(entry) {
            *counted.entry(name).or_default() += 1;
        }
    }
    let share = |(name, failures): (&Text, u64)| Share { name: name.clone(), failures };
    let remembered: Vec<Share> = counted.into_iter().map(share).collect();
    let told = ranking.map(|ranking| {
        let top = ranking.top.iter().map(|one| (&one.name, one.in_episode));
        top.filter(|(_, n)| *n > 0).map(share).collect::<Vec<Share>>()
    });
    let sum = |list: &[Share]| list.iter().map(|one| one.failures).sum::<u64>();
    let mut list = match told {
        Some(told) if sum(&told) >= sum(&remembered) => told,
        _ => remembered,
    };
    list.sort_by(|a, b| (Reverse(a.failures), &a.name).cmp(&(Reverse(b.failures), &b.name)));
    list.truncate(TOLD);
    list
}
