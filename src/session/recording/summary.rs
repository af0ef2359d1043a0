//! What a recording holds, in short.

use crate::observation::{Moment, Text};

use super::{
    damage::Damage,
    entry::{Deed, Entry, Header},
    reader::Reader,
};

/// Causes that are told of one recording.
const CAUSES: usize = 16;

/// A recording in short, from its heads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Who recorded; of the first part that is there.
    pub header: Header,
    /// When the last that it holds was seen or done.
    pub last: Moment,
    /// How the session ended; `None` where it was killed, or goes on.
    pub ended: Option<Text>,
    /// Whether requests failed in it.
    pub failing: bool,
    /// Its last status; empty where nothing was diagnosed.
    pub status: Text,
    /// Causes that it named first, in their order.
    pub causes: Vec<Text>,
    /// Deeds that were confirmed.
    pub deeds: usize,
    /// What is missing.
    pub damage: Damage,
}

impl Summary {
    /// Takes what a [`Reader::heads`] gives.
    pub fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Begin(header) if self.header.began == Moment::default() => {
                self.header = (**header).clone();
            }
            Entry::Mark { mark, .. } => {
                self.failing |= mark.status.raw() == "failing";
                self.status = mark.status.clone();
                let known = self.causes.contains(&mark.cause) || mark.cause.is_empty();
                if !known && self.causes.len() < CAUSES {
                    self.causes.push(mark.cause.clone());
                }
            }
            Entry::Deed { deed: Deed::Confirm, .. } => self.deeds += 1,
            Entry::End { why, .. } => self.ended = Some(why.clone()),
            _ => {}
        }
    }

    /// Takes what the reader knows when all has been read.
    pub fn close(&mut self, reader: &Reader) {
        self.last = reader.last().max(self.last);
        self.damage = reader.damage().clone();
    }

    /// Seconds from the beginning to the last that it holds.
    pub fn secs(&self) -> u64 {
        self.last.boot.0.saturating_sub(self.header.began.boot.0) / 1_000_000
    }
}
