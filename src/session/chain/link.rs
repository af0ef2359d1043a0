//! One link of a way.

use crate::session::page::Tone;

/// How a link is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkState {
    /// It holds.
    Good,
    /// It holds, badly.
    Strained,
    /// It does not hold.
    Broken,
    /// It cannot be told.
    Unknown,
    /// Nothing is there, or nothing that this host could see.
    #[default]
    Absent,
}

impl LinkState {
    /// Its shape.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Good => "●",
            Self::Strained => "◐",
            Self::Broken => "✗",
            Self::Unknown => "?",
            Self::Absent => "○",
        }
    }

    /// Its meaning.
    pub const fn tone(self) -> Tone {
        match self {
            Self::Good => Tone::Good,
            Self::Strained | Self::Unknown => Tone::Warn,
            Self::Broken => Tone::Bad,
            Self::Absent => Tone::Muted,
        }
    }
}

/// One link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// What it is: `gateway`, `route`, `upstream`, `listener`, `process`, `unit`, `container`.
    pub name: &'static str,
    /// How it is.
    pub state: LinkState,
    /// That in a word or two.
    pub word: String,
    /// What stands there: a name or an address.
    pub head: String,
    /// More about it, what matters most first. Times are in UTC.
    pub facts: Vec<(Tone, String)>,
}

impl Link {
    pub(super) fn new(name: &'static str, head: impl Into<String>) -> Self {
        Self { name, head: head.into(), ..Self::default() }
    }

    /// Says how it is.
    #[must_use]
    pub(super) fn is(mut self, state: LinkState, word: impl Into<String>) -> Self {
        (self.state, self.word) = (state, word.into());
        self
    }

    /// Adds a fact.
    pub(super) fn fact(&mut self, text: impl Into<String>) {
        self.facts.push((Tone::Plain, text.into()));
    }

    /// Adds a fact that the eye should find.
    pub(super) fn toned(&mut self, tone: Tone, text: impl Into<String>) {
        self.facts.push((tone, text.into()));
    }
}
