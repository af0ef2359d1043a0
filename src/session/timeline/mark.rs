//! One mark of the timeline.

use crate::{
    observation::Wall,
    session::{RowKey, page::Tone},
};

/// What a mark is, in the order in which one hides another at the same place of the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkKind {
    /// The first failed request of the incident.
    FirstFailure,
    /// The kernel killed a process for memory.
    Kill,
    /// Something was done by this program, or somebody with it.
    Action,
    /// A process crashed.
    Crash,
    /// A unit or container ended badly.
    Failed,
    /// A file of a configuration changed.
    Change,
    /// The newest failed request.
    LastFailure,
    /// A gateway loaded its configuration.
    Reload,
    /// A manager starts something again that ended.
    Restart,
    /// A unit or container stopped.
    Stopped,
    /// A unit or container changed in another way.
    State,
    /// A unit, a container or the host started.
    Started,
    /// Data was lost: nothing can be said of this moment.
    Gap,
}

impl MarkKind {
    /// Its shape.
    pub const fn shape(self) -> &'static str {
        match self {
            Self::FirstFailure | Self::LastFailure => "┃",
            Self::Kill => "▲",
            Self::Action => "◆",
            Self::Crash | Self::Failed => "✗",
            Self::Change => "●",
            Self::Reload | Self::Restart => "↻",
            Self::Stopped => "○",
            Self::State => "◐",
            Self::Started => "▶",
            Self::Gap => "?",
        }
    }

    /// Its meaning.
    pub const fn tone(self) -> Tone {
        match self {
            Self::FirstFailure | Self::Kill | Self::Crash | Self::Failed => Tone::Bad,
            Self::LastFailure | Self::Restart | Self::Stopped | Self::State | Self::Gap => {
                Tone::Warn
            }
            Self::Action | Self::Change => Tone::Accent,
            Self::Reload => Tone::Plain,
            Self::Started => Tone::Good,
        }
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::FirstFailure => "first failure",
            Self::LastFailure => "last failure",
            Self::Kill => "memory kill",
            Self::Action => "action",
            Self::Crash => "crash",
            Self::Failed => "failed",
            Self::Change => "change",
            Self::Reload => "reload",
            Self::Restart => "restart",
            Self::Stopped => "stopped",
            Self::State => "state",
            Self::Started => "started",
            Self::Gap => "lost",
        }
    }
}

/// What a mark is while others come and go around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MarkKey {
    /// When; the epoch for what moves.
    pub at: Wall,
    /// What it is.
    pub kind: MarkKind,
    /// Whom it concerns.
    pub whom: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Wall,
    /// What it is.
    pub kind: MarkKind,
    /// Whom it concerns, as an identity.
    pub whom: String,
    /// What happened, in a sentence.
    pub what: String,
    /// Where it was read.
    pub source: &'static str,
    /// The row that says more.
    pub about: Option<RowKey>,
    /// Whether requests depend on whom it concerns.
    pub needed: bool,
    /// Whether it moves: there is only one of its kind.
    pub moves: bool,
}

impl Mark {
    pub(super) fn new(at: Wall, kind: MarkKind, whom: impl Into<String>) -> Self {
        Self {
            at,
            kind,
            whom: whom.into(),
            what: String::new(),
            source: "",
            about: None,
            needed: true,
            moves: false,
        }
    }

    #[must_use]
    pub(super) fn says(mut self, what: impl Into<String>, source: &'static str) -> Self {
        (self.what, self.source) = (what.into(), source);
        self
    }

    #[must_use]
    pub(super) fn about(mut self, about: RowKey) -> Self {
        self.about = Some(about);
        self
    }

    #[must_use]
    pub(super) const fn needed(mut self, needed: bool) -> Self {
        self.needed = needed;
        self
    }

    /// What a search looks at.
    pub fn words(&self) -> String {
        format!("{} {} {}", self.kind.word(), self.what, self.source)
    }

    /// Its identity.
    pub fn key(&self) -> MarkKey {
        let at = if self.moves { Wall::default() } else { self.at };
        MarkKey { at, kind: self.kind, whom: self.whom.clone() }
    }
}
