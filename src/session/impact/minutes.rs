//! Requests and failures by minute, from what was followed and from the logs that were there already.

use std::collections::BTreeMap;

use crate::evidence::CaseFile;

/// One minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    /// Requests in it; `None` where only failures are known.
    pub requests: Option<u64>,
    /// Failures by status; 0 stands for a failed try that an error line tells of.
    pub by_status: BTreeMap<u16, u64>,
}

impl Minute {
    /// Failures in it.
    pub fn failures(&self) -> u64 {
        self.by_status.values().copied().fold(0, u64::saturating_add)
    }
}

/// Minutes since the epoch.
pub(super) type Minutes = BTreeMap<i64, Minute>;

/// Minutes as access logs tell them. Both readings are of the same logs: of a minute that both know,
/// the one counts that saw more.
pub(super) fn of_requests(case: &CaseFile) -> Minutes {
    let mut all = Minutes::new();
    for ((second, _), counts) in &case.access.seconds {
        let minute = all.entry(second.div_euclid(60)).or_default();
        for (status, n) in counts {
            let n = u64::from(*n);
            minute.requests = Some(minute.requests.unwrap_or(0).saturating_add(n));
            if *status >= 500 {
                let count = minute.by_status.entry(*status).or_default();
                *count = count.saturating_add(n);
            }
        }
    }
    let read = case.triage.iter().filter(|triage| triage.requests > 0);
    for told in read.flat_map(|triage| &triage.minutes) {
        let by_status = told.by_status.iter().map(|(status, n)| (*status, u64::from(*n)));
        let own = Minute {
            // The estimate of a minute may fall short of what failed in it.
            requests: Some(told.requests.max(u64::from(told.failures()))),
            by_status: by_status.collect(),
        };
        let known = all.entry(told.minute).or_default();
        let weight = |minute: &Minute| (minute.failures(), minute.requests);
        if weight(&own) > weight(known) {
            *known = own;
        }
    }
    all
}

/// Minutes as error logs tell them: failed tries.
pub(super) fn of_lines(case: &CaseFile) -> Minutes {
    let mut all: BTreeMap<i64, u64> = BTreeMap::new();
    for fold in case.logs.folds.values().filter(|fold| fold.signature.is_failure()) {
        for (minute, n) in &fold.minutes {
            let sum = all.entry(*minute).or_default();
            *sum = sum.saturating_add(u64::from(*n));
        }
    }
    let read = case.triage.iter().filter(|triage| triage.requests == 0);
    for told in read.flat_map(|triage| &triage.minutes) {
        let sum = all.entry(told.minute).or_default();
        *sum = (*sum).max(u64::from(told.failures()));
    }
    let minute = |(at, n)| (at, Minute { requests: None, by_status: BTreeMap::from([(0, n)]) });
    all.into_iter().filter(|(_, n)| *n > 0).map(minute).collect()
}
