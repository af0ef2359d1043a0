//! One row of the checklist.

use crate::observation::Origin;

/// How a row stands on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is not there, and that was seen.
    Lacking,
    /// Whether it is there cannot be told.
    Unknown,
    /// It is there.
    Present,
}

impl Standing {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lacking => "lacking",
            Self::Unknown => "unknown",
            Self::Present => "present",
        }
    }
}

/// What a standing rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What was seen, or why nothing was, in a sentence fragment.
    pub what: String,
    /// Where it was read; `None` where it was not.
    pub origin: Option<Origin>,
}

/// What to add, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The file, the place in it, or the command that opens it, in words.
    pub place: String,
    /// Lines to add, or commands to run.
    pub lines: Vec<String>,
    /// What makes it count, as commands.
    pub then: Vec<String>,
    /// What must be thought of, in a sentence; empty for nothing.
    pub mind: &'static str,
}

/// One precaution, for one unit, container, program, upstream or gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precaution {
    /// Which row, for example `restart`.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it is good for, in a sentence.
    pub why: &'static str,
    /// For whom it was judged.
    pub whom: String,
    /// How it stands.
    pub standing: Standing,
    /// What that rests on.
    pub evidence: Vec<Piece>,
    /// What to add, where it is lacking.
    pub add: Option<Addition>,
    /// Whether it would have mattered in this incident.
    pub this_time: bool,
}

/// The fixed words of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) why: &'static str,
    /// Causes that it helps against.
    pub(super) against: &'static [&'static str],
}

impl Row {
    /// This row for somebody.
    pub(super) fn of(&self, whom: impl Into<String>, standing: Standing) -> Precaution {
        Precaution {
            id: self.id,
            title: self.title,
            why: self.why,
            whom: whom.into(),
            standing,
            evidence: Vec::new(),
            add: None,
            this_time: false,
        }
    }

    /// This row where nothing can be told.
    pub(super) fn unseen(&self, whom: impl Into<String>, why: impl Into<String>) -> Precaution {
        self.of(whom, Standing::Unknown).says(why, None)
    }
}

impl Precaution {
    /// Adds what it rests on.
    #[must_use]
    pub(super) fn says(mut self, what: impl Into<String>, origin: Option<Origin>) -> Self {
        self.evidence.push(Piece { what: what.into(), origin });
        self
    }

    /// Says what to add.
    #[must_use]
    pub(super) fn add(mut self, place: impl Into<String>, lines: Vec<String>) -> Self {
        self.add = Some(Addition { place: place.into(), lines, then: Vec::new(), mind: "" });
        self
    }

    /// Says what makes it count.
    #[must_use]
    pub(super) fn then(mut self, command: impl Into<String>) -> Self {
        if let Some(add) = &mut self.add {
            add.then.push(command.into());
        }
        self
    }

    /// Says what must be thought of.
    #[must_use]
    pub(super) const fn mind(mut self, mind: &'static str) -> Self {
        if let Some(add) = &mut self.add {
            add.mind = mind;
        }
        self
    }
}
