//! What is looked at before an action, and what comes of it.

use serde::{Deserialize, Serialize};

/// A look before the leap. Every action names its own (`Action::guards`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// The unit is loaded, not masked, no template without instance, and no job waits on it.
    Unit,
    /// The program's own test accepts its configuration, as it would be after the edit.
    ConfigTest,
    /// It does not end again each time it is started.
    CrashLoop,
    /// One more start stays below `StartLimitBurst=`.
    StartLimit,
    /// Processes and memory may still be made: tasks of the group and of the host, memory.
    Headroom,
    /// A new memory limit fits into the memory of the host.
    Memory,
    /// Other units that stop or start along with it.
    Dependants,
    /// Requests under way that are cut off.
    InFlight,
    /// What else on disk the reload would apply.
    Drift,
    /// The process is still the one that was seen, and may be signalled.
    SameProcess,
    /// The container is still there under its full id.
    Container,
    /// The manager still knows the program, and how that stands.
    Program,
    /// The file can be changed: not immutable, not read-only, room for a copy, nobody else's folder.
    Writable,
    /// The path is what it was taken for: a socket, a directory.
    Path,
}

impl Guard {
    /// Its name on screen.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::ConfigTest => "configuration test",
            Self::CrashLoop => "crash loop",
            Self::StartLimit => "start limit",
            Self::Headroom => "headroom",
            Self::Memory => "memory",
            Self::Dependants => "dependants",
            Self::InFlight => "requests in flight",
            Self::Drift => "other changes on disk",
            Self::SameProcess => "same process",
            Self::Container => "container",
            Self::Program => "program",
            Self::Writable => "file",
            Self::Path => "path",
        }
    }
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regard {
    /// Nothing stands against it.
    Clear,
    /// Worth knowing before a yes.
    Note,
    /// So much is at stake that the unit's name must be typed.
    Typed,
    /// It is not done.
    Refused,
}

/// One look with its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub guard: Guard,
    /// What came of it.
    pub regard: Regard,
    /// In a sentence: what was seen, and for a refusal what to do instead.
    pub words: String,
}

impl Check {
    /// A look that found nothing in the way.
    pub fn clear(guard: Guard, words: impl Into<String>) -> Self {
        Self { guard, regard: Regard::Clear, words: words.into() }
    }

    /// A look that found something worth knowing.
    pub fn note(guard: Guard, words: impl Into<String>) -> Self {
        Self { guard, regard: Regard::Note, words: words.into() }
    }

    /// A look that asks for the unit's name to be typed.
    pub fn typed(guard: Guard, words: impl Into<String>) -> Self {
        Self { guard, regard: Regard::Typed, words: words.into() }
    }

    /// A look that forbids it.
    pub fn refused(guard: Guard, words: impl Into<String>) -> Self {
        Self { guard, regard: Regard::Refused, words: words.into() }
    }
}
