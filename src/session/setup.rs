//! What a person's settings make of a new session.

use super::{Keymap, Model};

/// What a session begins with, as the settings say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    /// Which key does what.
    pub keys: Keymap,
    /// Names of the themes that can be chosen.
    pub themes: Vec<String>,
    /// Name of the chosen one; empty for the first.
    pub theme: String,
    /// Whether times are shown in UTC.
    pub utc: bool,
    /// Whether the mouse is left to the terminal.
    pub mouse_off: bool,
    /// Settings that are not used, each in a sentence.
    pub notices: Vec<String>,
}

impl Model {
    /// Takes the settings over.
    pub fn set_up(&mut self, setup: Setup) {
        self.keys = setup.keys;
        self.themes = setup.themes;
        self.view.theme = setup.theme;
        self.view.utc = setup.utc;
        self.view.mouse_off = setup.mouse_off;
        self.notices = setup.notices;
    }
}
