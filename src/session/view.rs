//! Where the person looks: focus, selection, search. Nothing here knows a screen's size.

use super::{Effect, Event, KeyCode, Model};

/// What the person sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Whether the help is open.
    pub help: bool,
}

/// Takes a key, a paste or a new size.
pub(super) fn update(_model: &mut Model, event: &Event) -> Vec<Effect> {
    match event {
        Event::Key(key) if key.code == KeyCode::Char('q') => vec![Effect::Quit],
        Event::Key(key) if key.control && key.code == KeyCode::Char('c') => vec![Effect::Quit],
        _ => vec![Effect::Draw],
    }
}
