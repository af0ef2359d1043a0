//! What the logs that are already there say: since when, how many, where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Text, Wall};

/// The answer of a reading of logs. Times are wall times; minutes count from the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triage {
    /// The files that were read, those with requests first.
    pub logs: Vec<TriagedLog>,
    /// Whether anything was read that would tell of failed requests: requests, or a gateway's
    /// error log.
    pub tells: bool,
    /// First and last stamp of a request.
    pub from: Option<Wall>,
    /// See `from`.
    pub to: Option<Wall>,
    /// Lines of access logs; each is a request.
    pub requests: u64,
    /// Requests that were answered with 5xx.
    pub failures: u64,
    /// Failures by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Minutes with failures, oldest first.
    pub minutes: Vec<TriageMinute>,
    /// Failures in a usual minute, `None` when nothing older than the incident was read.
    pub usual: Option<u32>,
    /// Minutes from which `usual` was learned.
    pub usual_from: u64,
    /// The newest time in which more failed than is usual.
    pub episode: Option<Episode>,
    /// Where failures came from: `upstream_addr` or the server's name.
    pub upstreams: Ranking,
    /// Whether `upstreams` is from error lines: the access logs do not name any.
    pub upstreams_from_errors: bool,
    /// Method and path, query cut, ids folded.
    pub urls: Ranking,
    /// Virtual hosts.
    pub hosts: Ranking,
    /// What the gateway says of how the requests ended (HAProxy, Envoy).
    pub flags: Ranking,
    /// Error lines by what they say, most frequent first.
    pub errors: Vec<TriagedError>,
    /// Error lines that stand for a failed try of a request each.
    pub error_failures: u64,
    /// Error lines that were read.
    pub error_lines: u64,
    /// What was not read or not understood, as sentences without a full stop.
    pub notes: Vec<Text>,
}

/// One file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriagedLog {
    /// Its path as it was named.
    pub path: Text,
    /// In which format its lines are, in words; empty when nothing could be made of it.
    pub format: Text,
    /// Bytes read (of its content, when it is packed).
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Failed requests among them.
    pub failures: u64,
    /// First and last stamp.
    pub from: Option<Wall>,
    /// See `from`.
    pub to: Option<Wall>,
}

/// One minute in which requests failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriageMinute {
    /// Minutes since the epoch.
    pub minute: i64,
    /// Requests in it, estimated from samples.
    pub requests: u64,
    /// Failures by status.
    pub by_status: BTreeMap<u16, u32>,
}

impl TriageMinute {
    /// Failures in it.
    pub fn failures(&self) -> u32 {
        self.by_status.values().copied().fold(0, u32::saturating_add)
    }
}

/// A time in which more failed than is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// First failure.
    pub first: Wall,
    /// Last failure.
    pub last: Wall,
    /// The minute with the most failures.
    pub peak_minute: i64,
    /// Failures in it.
    pub peak: u32,
    /// Failures from the first to the last.
    pub failures: u64,
    /// Whether it goes on until the end of what was read.
    pub goes_on: bool,
}

/// The most frequent values of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranking {
    /// They, most frequent first.
    pub top: Vec<Ranked>,
    /// Failures that had such a value at all.
    pub counted: u64,
    /// Failures whose value was dropped from memory or is not shown.
    pub others: u64,
    /// The most that a count shown may be too low, because of what was dropped.
    pub error: u64,
}

/// One value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// The value.
    pub name: Text,
    /// Failures with it, in all that was read.
    pub failures: u64,
    /// Failures with it in the episode; in all that was read when there is none.
    pub in_episode: u64,
    /// First and last of them.
    pub first: Option<Wall>,
    /// See `first`.
    pub last: Option<Wall>,
    /// Failures by minute, the newest minutes.
    pub minutes: Vec<(i64, u32)>,
    /// What the value means, when that is known.
    pub meaning: Text,
}

/// Error lines that say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriagedError {
    /// How many.
    pub count: u64,
    /// First and last of them.
    pub first: Option<Wall>,
    /// See `first`.
    pub last: Option<Wall>,
    /// The signature that knows them.
    pub signature: Option<Text>,
    /// What they mean; empty when no signature knows them.
    pub meaning: Text,
    /// The newest of them.
    pub sample: Text,
    /// Whether each stands for a failed try of a request.
    pub failure: bool,
}
