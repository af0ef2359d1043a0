//! How a kiosk goes on.

use tokio::time::Instant;

use crate::{host::terminal::Input, session::KeyCode};

/// How a kiosk goes on.
pub(super) struct Vigil {
    pub(super) keys: bool,
    /// When it ends, once its broker is gone.
    pub(super) farewell: Option<Instant>,
}

impl Vigil {
    /// Whether an input is looked at. Nobody suspends a kiosk.
    pub(super) fn admits(&self, input: &Input) -> bool {
        match input {
            Input::Key(key) => self.keys && !(key.control && key.code == KeyCode::Char('z')),
            Input::Mouse(_) | Input::Paste(_) => self.keys,
            Input::Resized | Input::Resumed | Input::Signal(_) | Input::Lost => true,
        }
    }
}
