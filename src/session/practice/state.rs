//! The state of a game.

use std::collections::BTreeSet;

use crate::observation::Boot;

use super::{Reading, Task};

/// What the world measured of its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests answered since the last failure, on the route that has fewest.
    pub in_a_row: u64,
    /// Requests answered since the start.
    pub answered: u64,
    /// Requests failed since the start.
    pub failed: u64,
}

/// Whether the ranking of the causes is to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Veil {
    /// It is hidden.
    #[default]
    Hidden,
    /// The player named a right cause.
    Named,
    /// The player paid for it.
    Bought,
}

/// A cause that the player named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub cause: String,
    /// Whether it is right.
    pub right: bool,
    /// Seconds after the beginning.
    pub secs: u64,
}

/// A sheet of the game that lies over the views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// What happened, before it begins.
    Story,
    /// Story, hints, and what can be asked for.
    Panel,
    /// What came of it.
    Score,
}

/// Where the player goes from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// To the next incident.
    Next,
    /// To the same one again.
    Again,
}

/// The state of a game.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Practice {
    /// What is to be solved.
    pub task: Task,
    /// Whether the ranking is to be seen.
    pub veil: Veil,
    /// Hints taken, from the first one on.
    pub hints: usize,
    /// Causes named, in order.
    pub named: Vec<Named>,
    /// Kinds of evidence looked at before the first repair.
    pub read: BTreeSet<Reading>,
    /// What the world measures.
    pub traffic: Traffic,
    /// When the player began.
    pub(super) began: Option<Boot>,
    /// Seconds after which the ranking was bought.
    pub(super) bought: Option<u64>,
    /// Seconds after which the first repair was confirmed.
    pub(super) acted: Option<u64>,
    /// Seconds after which it was solved.
    pub(super) solved: Option<u64>,
    /// Whether the score has been opened by itself.
    pub(super) told: bool,
}

impl Practice {
    /// A game that has not begun.
    pub fn new(task: Task) -> Self {
        Self { task, ..Self::default() }
    }

    /// Whether the ranking is hidden.
    pub fn hides(&self) -> bool {
        self.veil == Veil::Hidden && self.solved.is_none()
    }

    /// Whether the player has begun.
    pub const fn is_begun(&self) -> bool {
        self.began.is_some()
    }

    /// Whether it is solved.
    pub const fn is_solved(&self) -> bool {
        self.solved.is_some()
    }

    /// Seconds since the player began.
    pub fn secs(&self, now: Boot) -> u64 {
        self.began.map_or(0, |began| now.secs_since(began))
    }

    /// Seconds that it took to solve it.
    pub const fn solved_secs(&self) -> Option<u64> {
        self.solved
    }

    /// Seconds until a right cause was named, or the ranking bought.
    pub fn cause_secs(&self) -> Option<u64> {
        let named = self.named.iter().find(|named| named.right).map(|named| named.secs);
        named.or(self.bought)
    }

    /// Wrong causes that were named, each counted once.
    pub fn wrong(&self) -> usize {
        let wrong = self.named.iter().filter(|named| !named.right);
        wrong.map(|named| &named.cause).collect::<BTreeSet<_>>().len()
    }

    /// The hints that were taken.
    pub fn hints_taken(&self) -> &[String] {
        self.task.hints.get(..self.hints).unwrap_or(&self.task.hints)
    }
}
