//! What comes from the person and from the terminal.

use crate::{
    host::signals::Signal,
    session::{Key, Mouse},
};

/// One thing that the terminal or a signal tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// The mouse, while the terminal was asked to tell.
    Mouse(Mouse),
    /// Pasted text, cut at [`super::keys::PASTE`] bytes.
    Paste(String),
    /// The terminal has another size.
    Resized,
    /// The process was stopped and goes on: nothing is known of what the terminal shows.
    Resumed,
    /// Somebody asks the process to end.
    Signal(Signal),
    /// The terminal is gone.
    Lost,
}
