//! Everything that can enter a session.

use crate::observation::{Moment, Observation};

/// A key, free of any terminal library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// Whether Control was held.
    pub control: bool,
}

/// The keys that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum KeyCode {
    /// A character.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
    /// A function key.
    F(u8),
}

/// One entry of the ordered queue.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A source saw something.
    Seen(Box<Observation>),
    /// A key was pressed.
    Key(Key),
    /// Text was pasted; it is never taken for keys.
    Paste(String),
    /// The terminal has a new size in columns and rows.
    Resize(u16, u16),
    /// Time passes: once a second while a screen is up.
    Tick(Moment),
    /// The queue has been drained for now: time to diagnose.
    Settle,
    /// Somebody asked the process to end.
    Quit,
}
