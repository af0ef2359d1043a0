//! The incident's window: from the first failure of the newest unbroken run of failures.

use jiff::SignedDuration;

use crate::observation::{GatewayId, Wall};

use super::{CaseFile, Signatures};

/// A pause longer than this ends an incident.
const PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// Failures older than this are the past, not the present.
const PRESENT: SignedDuration = SignedDuration::from_mins(5);
/// Evidence counts from this many seconds before the first failure.
const LEAD_SECS: i64 = 60;
/// Without any failure seen, evidence counts from this many seconds ago.
const QUIET_SECS: i64 = 15 * 60;

/// When requests failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incident {
    /// First failure of the newest run.
    pub first: Option<Wall>,
    /// Newest failure.
    pub last: Option<Wall>,
    /// Failed requests seen in the run.
    pub failures: u64,
    /// Whether the newest failure is recent enough to speak of the present.
    pub present: bool,
    /// Evidence older than this does not convict.
    pub window: Wall,
    /// Whether any request at all was seen within the window.
    pub traffic: bool,
}

/// Finds the incident in a case.
pub fn incident(case: &CaseFile, signatures: &Signatures) -> Incident {
    incident_of(case, signatures, None)
}

/// Finds the incident of one gateway, or of all.
pub fn incident_of(
    case: &CaseFile,
    signatures: &Signatures,
    gateway: Option<&GatewayId>,
) -> Incident {
    let now = case.now.wall;
    let mut times: Vec<Wall> = case
        .access
        .entries
        .iter()
        .filter(|e| e.status >= 500 && gateway.is_none_or(|g| *g == e.gateway))
        .map(|e| e.at)
        .collect();
    let from_access = !times.is_empty();
    let failed_lines = case.logs.facts.iter().filter(|fact| {
        fact.gateway.is_some()
            && gateway.is_none_or(|g| Some(g) == fact.gateway.as_ref())
            && signatures.info(fact.signature).is_some_and(|info| info.failure)
    });
    // The error log repeats what the access log counts; it is the count only when alone.
    times.extend(failed_lines.map(|fact| fact.at));
    times.retain(|at| at.since(now) < SignedDuration::from_mins(2));
    times.sort_unstable();
    let mut run = Run::default();
    for at in times {
        run.add(at);
    }
    let failures = if from_access {
        case.access
            .entries
            .iter()
            .filter(|e| e.status >= 500 && gateway.is_none_or(|g| *g == e.gateway))
            .filter(|e| run.first.is_some_and(|first| e.at >= first))
            .filter(|e| run.last.is_some_and(|last| e.at <= last))
            .count() as u64
    } else {
        run.count
    };
    let present = run.last.is_some_and(|last| now.since(last) <= PRESENT);
    let window = match (run.first, present) {
        (Some(first), true) => first.minus_secs(LEAD_SECS),
        _ => now.minus_secs(QUIET_SECS),
    };
    let traffic = case.access.totals(gateway, window).0 > 0 || run.count > 0;
    Incident { first: run.first, last: run.last, failures, present, window, traffic }
}

#[derive(Default)]
struct Run {
    first: Option<Wall>,
    last: Option<Wall>,
    count: u64,
}

impl Run {
    fn add(&mut self, at: Wall) {
        if self.last.is_none_or(|last| at.since(last) > PAUSE) {
            self.first = Some(at);
            self.count = 0;
        }
        self.last = Some(at);
        self.count += 1;
    }
}
