//! What the requests of logs amount to.

use std::collections::BTreeMap;

use crate::{evidence::access::AccessFields, observation::Wall};

use super::{rank::Rank, route};

/// Minutes kept, a month and a half; the oldest go first.
pub(super) const MINUTES: usize = 65_536;

/// One minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Minute {
    /// Requests, estimated.
    pub(super) requests: u64,
    /// Failures by status.
    pub(super) by_status: Vec<(u16, u32)>,
    /// First and last failure.
    pub(super) span: Option<(Wall, Wall)>,
}

impl Minute {
    pub(super) fn failures(&self) -> u32 {
        self.by_status.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    fn fail(&mut self, status: u16, n: u32) {
        match self.by_status.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count = count.saturating_add(n),
            None => self.by_status.push((status, n)),
        }
    }

    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        for (status, n) in other.by_status {
            self.fail(status, n);
        }
        if let Some((first, last)) = other.span {
            self.widen(first);
            self.widen(last);
        }
    }

    fn widen(&mut self, at: Wall) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
    }
}

/// Counts of requests; those of several readers can be added up.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub(super) minutes: BTreeMap<i64, Minute>,
    pub(super) by_status: BTreeMap<u16, u64>,
    pub(super) requests: u64,
    pub(super) failures: u64,
    /// Failures without a time, which are in no minute.
    pub(super) timeless: u64,
    /// Minutes that went because there were too many.
    pub(super) forgotten: u64,
    pub(super) from: Option<Wall>,
    pub(super) to: Option<Wall>,
    pub(super) upstreams: Rank,
    pub(super) urls: Rank,
    pub(super) hosts: Rank,
    pub(super) flags: Rank,
    /// A line for each value of `flags`, for those who know what it means.
    pub(super) told: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The minute that is counted in at the moment.
    open: Option<(i64, Minute)>,
    folded: Vec<u8>,
}

/// Values of `told`.
const TOLD: usize = 64;

impl Tally {
    /// Counts a failed request. `line` is the whole line, for the meaning of its flags.
    pub(super) fn fail(&mut self, fields: &AccessFields<'_>, line: &[u8]) {
        self.failures += 1;
        *self.by_status.entry(fields.status).or_default() += 1;
        if let Some(at) = fields.at {
            self.widen(at);
            let minute = self.minute(at);
            minute.fail(fields.status, 1);
            minute.widen(at);
        } else {
            self.timeless += 1;
        }
        let at = fields.at.unwrap_or_default();
        if let Some(upstream) = fields.upstream_addr {
            self.upstreams.add(last_tried(upstream), at);
        }
        let mut folded = std::mem::take(&mut self.folded);
        let words = fields.words();
        route::route(&words, &mut folded);
        if !folded.is_empty() {
            self.urls.add(&folded, at);
        }
        self.folded = folded;
        if let Some(host) = fields.host {
            self.hosts.add(host, at);
        }
        if let Some(flags) = fields.flags {
            self.flags.add(flags, at);
            if self.told.len() < TOLD && !self.told.contains_key(flags) {
                self.told.insert(flags.to_vec(), line.get(..2048).unwrap_or(line).to_vec());
            }
        }
    }

    /// Counts requests of a time, failed or not.
    pub(super) fn traffic(&mut self, at: Wall, lines: u64) {
        self.widen(at);
        self.minute(at).requests += lines;
    }

    fn widen(&mut self, at: Wall) {
        self.from = Some(self.from.map_or(at, |from| from.min(at)));
        self.to = Some(self.to.map_or(at, |to| to.max(at)));
    }

    fn minute(&mut self, at: Wall) -> &mut Minute {
        let minute = at.0.div_euclid(60_000_000);
        if self.open.as_ref().is_none_or(|(open, _)| *open != minute) {
            self.close();
            self.open = Some((minute, Minute::default()));
        }
        &mut self.open.get_or_insert_default().1
    }

    fn close(&mut self) {
        if let Some((minute, counts)) = self.open.take() {
            self.minutes.entry(minute).or_default().merge(counts);
            self.bound();
        }
    }

    fn bound(&mut self) {
        while self.minutes.len() > MINUTES {
            self.minutes.pop_first();
            self.forgotten += 1;
        }
    }

    /// Adds what another reader has counted.
    pub fn merge(&mut self, mut other: Self) {
        self.close();
        other.close();
        for (minute, counts) in other.minutes {
            self.minutes.entry(minute).or_default().merge(counts);
        }
        self.bound();
        for (status, n) in other.by_status {
            *self.by_status.entry(status).or_default() += n;
        }
        self.requests += other.requests;
        self.failures += other.failures;
        self.timeless += other.timeless;
        self.forgotten += other.forgotten;
        for at in [other.from, other.to].into_iter().flatten() {
            self.widen(at);
        }
        self.upstreams.merge(other.upstreams);
        self.urls.merge(other.urls);
        self.hosts.merge(other.hosts);
        self.flags.merge(other.flags);
        for (flags, line) in other.told {
            if self.told.len() < TOLD {
                self.told.entry(flags).or_insert(line);
            }
        }
    }

    /// Ends the counting.
    #[must_use]
    pub fn finished(mut self) -> Self {
        self.close();
        self
    }
}

/// Of several upstreams the one that was tried last.
fn last_tried(upstream: &[u8]) -> &[u8] {
    let from = memchr::memmem::rfind(upstream, b", ").map(|at| at + 2);
    let from = from.max(memchr::memmem::rfind(upstream, b" : ").map(|at| at + 3));
    upstream.get(from.unwrap_or(0)..).unwrap_or(upstream)
}
