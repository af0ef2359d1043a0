//! What a person does at the terminal, as a session takes it.

use crate::{
    host::terminal::Input,
    session::{Event, KeyCode},
};

use super::live::End;

/// An input, by what it calls for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Taken {
    /// Fold this.
    Event(Event),
    /// Stop with the shell's other jobs, until it goes on.
    Suspend,
    /// Look how large the screen is.
    Resized,
    /// It went on: what stood on the screen is gone.
    Resumed,
    /// It is over.
    End(End),
}

impl From<Input> for Taken {
    fn from(input: Input) -> Self {
        match input {
            Input::Key(key) if key.control && key.code == KeyCode::Char('z') => Self::Suspend,
            Input::Key(key) => Self::Event(Event::Key(key)),
            Input::Mouse(mouse) => Self::Event(Event::Mouse(mouse)),
            Input::Paste(text) => Self::Event(Event::Paste(text)),
            Input::Resized => Self::Resized,
            Input::Resumed => Self::Resumed,
            Input::Signal(signal) => Self::End(End::Signal(signal)),
            Input::Lost => Self::End(End::Lost),
        }
    }
}
