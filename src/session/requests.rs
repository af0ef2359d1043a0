//! Which requests fail: the access logs, counted by status, host and path.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::observation::{AccessEntry, Wall};

use super::Shown;

/// Failed requests of one kind.
#[derive(Clone, Debug)]
pub struct Failed<'a> {
    /// How many of them are remembered.
    pub count: usize,
    /// The newest.
    pub newest: &'a AccessEntry,
}

/// Failed requests by minute since the epoch: from the access logs, else from the error logs.
pub fn by_minute(shown: &Shown<'_>) -> BTreeMap<i64, u32> {
    let mut minutes: BTreeMap<i64, u32> = BTreeMap::new();
    let mut add = |minute: i64, n: u32| {
        if n > 0 {
            let sum = minutes.entry(minute).or_default();
            *sum = sum.saturating_add(n);
        }
    };
    for ((second, _), counts) in &shown.case.access.seconds {
        let failed = counts.iter().filter(|(status, _)| **status >= 500).map(|(_, n)| *n);
        add(second.div_euclid(60), failed.fold(0, u32::saturating_add));
    }
    if shown.case.access.seconds.is_empty() {
        for fold in shown.case.logs.folds.values().filter(|f| f.signature.is_failure()) {
            for (minute, n) in &fold.minutes {
                add(*minute, *n);
            }
        }
    }
    minutes
}

/// Since when failed requests are counted: the incident, or its window without one.
pub fn since(shown: &Shown<'_>) -> Wall {
    let incident = &shown.diagnosis.incident;
    incident.first.filter(|_| incident.present).unwrap_or(incident.window)
}

/// Whether requests failed.
pub fn any(shown: &Shown<'_>) -> bool {
    let from = since(shown);
    shown.case.access.entries.iter().any(|e| e.status >= 500 && e.at >= from)
}

/// The kinds of requests that failed, the most frequent first.
pub fn kinds<'a>(shown: &Shown<'a>) -> Vec<Failed<'a>> {
    let from = since(shown);
    let mut kinds: BTreeMap<(u16, String, String), Failed<'a>> = BTreeMap::new();
    let failed = shown.case.access.entries.iter().filter(|e| e.status >= 500 && e.at >= from);
    for entry in failed {
        let host = entry.host.as_ref().map(ToString::to_string).unwrap_or_default();
        let kind = (entry.status, host, entry.request.to_string());
        let one = kinds.entry(kind).or_insert(Failed { count: 0, newest: entry });
        one.count += 1;
        if entry.at >= one.newest.at {
            one.newest = entry;
        }
    }
    let mut kinds: Vec<_> = kinds.into_values().collect();
    kinds.sort_by_key(|kind| Reverse(kind.count));
    kinds
}

/// A kind in words: `502 shop.example.com GET /cart`.
pub fn words(entry: &AccessEntry) -> String {
    let host = entry.host.as_ref().map(|host| format!("{host} ")).unwrap_or_default();
    format!("{} {host}{}", entry.status, entry.request)
}
