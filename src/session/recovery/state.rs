//! The open run and those that are over.

use crate::{
    observation::Wall,
    remedy::{Ending, Plan},
    verification::Verdict,
};

use super::Run;

/// Runs remembered.
const PAST: usize = 64;

/// The state of acting.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovery {
    /// The run that is open: being prepared, carried out, or over and still looked at.
    pub run: Option<Run>,
    /// Runs of this session that are over, the newest last.
    pub past: Vec<Past>,
    pub(super) tickets: u64,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// What was done.
    pub plan: Plan,
    /// Whether it took an earlier one back.
    pub undo: bool,
    /// Number of its record in the audit.
    pub sequence: Option<u64>,
    /// When it ended.
    pub at: Wall,
    /// How it ended.
    pub ending: Ending,
    /// What was seen.
    pub verdict: Option<Verdict>,
}

impl Past {
    /// Whether it was carried out and did not help.
    pub const fn failed(&self) -> bool {
        matches!(self.verdict, Some(Verdict::NotFixed | Verdict::Worse))
            || matches!(self.ending, Ending::RolledBack | Ending::NotFixed)
    }

    /// How it ended, in a few words.
    pub const fn words(&self) -> &'static str {
        match (self.ending, self.verdict) {
            (Ending::RolledBack, _) => "taken back",
            (Ending::NeedsHuman, _) => "needs a person",
            (_, Some(verdict)) => verdict.words(),
            (Ending::Rehearsed, None) => "looked at",
            (Ending::Refused, None) => "refused",
            (Ending::Verified, None) => "fixed",
            (Ending::NotFixed, None) => "not fixed",
            (Ending::CannotTell, None) => "cannot tell",
        }
    }
}

impl Recovery {
    pub(super) const fn ticket(&mut self) -> u64 {
        self.tickets = self.tickets.saturating_add(1);
        self.tickets
    }

    pub(super) fn remember(&mut self, past: Past) {
        self.past.push(past);
        let excess = self.past.len().saturating_sub(PAST);
        self.past.drain(..excess);
    }

    /// Whether something is being carried out now.
    pub fn is_acting(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.confirmed && run.ending.is_none())
    }
}
