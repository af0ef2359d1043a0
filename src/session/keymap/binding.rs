//! One row of the table: keys, places, and what they do there.

use crate::session::{Key, KeyCode, recovery::Powers};

use super::{
    Command, Scope,
    scope::{FIXED, Places},
};

/// Keys that do the same.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The keys.
    pub keys: &'static [Key],
    /// How they are written in the help.
    pub shown: &'static str,
    /// Where they work.
    pub(super) scopes: Places,
    /// What they do.
    pub command: Command,
    /// That in words.
    pub words: &'static str,
    /// That in one word, for the footer, when it matters often.
    pub short: Option<&'static str>,
    /// What the session must be allowed to; otherwise the key is not bound and not listed.
    /// `Powers::Replay` is a key of recordings alone.
    pub needs: Powers,
    /// Whether it makes no sense in a recording.
    pub(super) live: bool,
}

pub(super) const fn key(code: KeyCode) -> Key {
    Key { code, control: false }
}

pub(super) const fn char(c: char) -> Key {
    key(KeyCode::Char(c))
}

pub(super) const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), control: true }
}

pub(super) const fn bind(
    keys: &'static [Key],
    shown: &'static str,
    scopes: Places,
    command: Command,
    words: &'static str,
) -> Binding {
    Binding { keys, shown, scopes, command, words, short: None, needs: Powers::Look, live: false }
}

pub(super) const fn often(binding: Binding, short: &'static str) -> Binding {
    Binding { short: Some(short), ..binding }
}

pub(super) const fn lives(binding: Binding) -> Binding {
    Binding { live: true, ..binding }
}

pub(super) const fn replays(binding: Binding) -> Binding {
    Binding { needs: Powers::Replay, ..binding }
}

pub(super) const fn acts(binding: Binding) -> Binding {
    Binding { needs: Powers::Act, ..binding }
}

impl Binding {
    /// Whether it works there.
    pub fn works_in(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|places| places.contains(&scope))
    }

    /// Whether a session of these powers has it.
    pub fn is_for(&self, powers: Powers) -> bool {
        match powers {
            Powers::Replay => self.needs < Powers::Act && !self.live,
            Powers::Look => self.needs == Powers::Look,
            Powers::Act => self.needs >= Powers::Look,
        }
    }

    /// Whether its keys are always these.
    pub fn is_fixed(&self) -> bool {
        self.scopes.iter().any(|places| places.iter().any(|scope| FIXED.contains(scope)))
    }

    /// Whether it may lead to a question.
    pub fn opens(&self) -> bool {
        self.needs == Powers::Act || self.command == Command::Onward
    }

    /// Whether it answers a question with something else than no.
    pub fn answers(&self) -> bool {
        matches!(self.command, Command::Yes | Command::Keep | Command::Revert)
    }
}
