//! The list of everything that can be done or gone to from here, found by typing a part of it.
//!
//! What is found is held in the layer and changes only with what is typed: rows do not move under
//! the cursor while evidence comes in.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};

use super::{
    Effect, Key, Layer, Model, Pane, Place, RowKey, hints, input,
    keymap::{Command, Group, Scope},
    layout::first_visible,
    practice, recovery, rows,
};

/// Things to choose from, at most.
const CANDIDATES: usize = 2_000;
/// Things that are found, at most.
const FOUND: usize = 200;

/// The open list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// What has been typed.
    pub typed: String,
    /// Characters before the cursor.
    pub cursor: usize,
    /// What is found, best first.
    pub found: Vec<Entry>,
    /// Whether more was found, or there was more to choose from, than is kept.
    pub cut: bool,
    /// The chosen one.
    pub index: usize,
    /// The first visible one.
    pub top: usize,
    /// Whether it lists causes to name one, and nothing else.
    pub naming: bool,
}

/// Something to do, or a place to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is, in words.
    pub words: String,
    /// Its key, or what kind of thing it is.
    pub note: String,
    /// Where it leads.
    pub goal: Goal,
}

/// Where an entry leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A key that works here.
    Command(Command),
    /// A row of a view.
    Row(Place, RowKey),
    /// The details of something.
    Page(RowKey),
    /// A theme.
    Theme(String),
    /// A cause that the player names, by its id.
    Cause(&'static str),
}

/// Whether a command has nothing to do now; it is not listed then.
pub fn is_idle(model: &Model, scope: Scope, command: Command) -> bool {
    let view = &model.view;
    let searching = !view.query.is_empty();
    match command {
        Command::NextMatch | Command::PreviousMatch => !searching,
        Command::Back if scope == Scope::Panes => !searching && !view.zoom,
        Command::Show(place) => place == view.here(),
        Command::Undo => model.broken_off.is_empty() && recovery::undoable(model).is_none(),
        _ => false,
    }
}

/// Everything that can be chosen in the scope below the list, and whether there is more.
fn candidates(model: &Model) -> (Vec<Entry>, bool) {
    let scope = model.scope();
    let offered = hints::lead(model).1;
    let mut all: Vec<Entry> = Vec::new();
    for bound in model.keys.bindings(scope, model.powers) {
        let command = bound.binding.command;
        let listed = !matches!(command.group(), Group::Move | Group::Type)
            && !matches!(command, Command::Palette | Command::Back | Command::Choose)
            // What lies below may have come to a question: only its own key answers that.
            && !bound.binding.answers();
        if listed && !is_idle(model, scope, command) {
            let words = match command {
                Command::Repair if !offered.is_empty() => {
                    format!("{offered}: the one right thing now; it asks first")
                }
                _ => bound.binding.words.to_owned(),
            };
            let goal = Goal::Command(command);
            all.push(Entry { words, note: bound.shown.to_owned(), goal });
        }
    }
    for name in &model.themes {
        let words = format!("theme: {name}");
        all.push(Entry { words, note: "theme".to_owned(), goal: Goal::Theme(name.clone()) });
    }
    let shown = model.shown();
    for (pane, place, note) in [
        (Pane::Cause, Place::Causes, "cause"),
        (Pane::Upstreams, Place::Chain, "upstream"),
        (Pane::Units, Place::Units, "unit"),
    ] {
        for key in rows::keys(&shown, pane, "") {
            if all.len() >= CANDIDATES {
                return (all, true);
            }
            let (note, goal) = match &key {
                RowKey::Finding(..) | RowKey::Recovered(..) => (note, Goal::Page(key.clone())),
                RowKey::Container(_) => ("container", Goal::Row(place, key.clone())),
                RowKey::Program(_) => ("program", Goal::Row(place, key.clone())),
                RowKey::Unit(_) | RowKey::Upstream(_) => (note, Goal::Row(place, key.clone())),
                _ => continue,
            };
            all.push(Entry { words: rows::name(&shown, &key), note: note.to_owned(), goal });
        }
    }
    (all, false)
}

impl Palette {
    /// A list of the causes that can be named in a game.
    pub(super) fn naming() -> Self {
        Self { naming: true, ..Self::default() }
    }

    /// Looks again for what is typed.
    fn search(&mut self, model: &Model) {
        let (all, mut cut) =
            if self.naming { (practice::entries(model), false) } else { candidates(model) };
        let pattern = Pattern::parse(&self.typed, CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, Entry)> = all
            .into_iter()
            .filter_map(|entry| {
                let text = format!("{} {}", entry.words, entry.note);
                let text = Utf32Str::new(&text, &mut buffer);
                pattern.score(text, &mut matcher).map(|score| (score, entry))
            })
            .collect();
        // Stable: of equals the one that stood first stays first.
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        cut |= scored.len() > FOUND;
        self.found = scored.into_iter().take(FOUND).map(|(_, entry)| entry).collect();
        (self.cut, self.index, self.top) = (cut, 0, 0);
    }

    /// Chooses the entry at an index, and keeps it in sight.
    pub(super) fn choose(&mut self, index: usize, height: usize) {
        self.index = index.min(self.found.len().saturating_sub(1));
        self.top = first_visible(self.top, self.index, height, self.found.len());
    }
}

/// Opens the list.
pub(super) fn open(model: &mut Model) {
    open_as(model, Palette::default());
}

/// Opens a list.
pub(super) fn open_as(model: &mut Model, mut palette: Palette) {
    palette.search(model);
    model.view.layers.push(Layer::Palette(palette));
}

/// Looks again after something was typed.
pub(super) fn typed(model: &mut Model) {
    // The keys that are listed are those that work below the list.
    let open = model.view.layers.pop_if(|layer| matches!(layer, Layer::Palette(_)));
    if let Some(Layer::Palette(mut palette)) = open {
        palette.search(model);
        model.view.layers.push(Layer::Palette(palette));
    }
}

/// Does what is chosen, as its own key would, or goes there.
pub(super) fn run(model: &mut Model, key: Key) -> Vec<Effect> {
    let Some(Layer::Palette(palette)) = model.view.layers.pop() else { return Vec::new() };
    let Some(entry) = palette.found.into_iter().nth(palette.index) else {
        return vec![Effect::Draw];
    };
    match entry.goal {
        Goal::Command(command) => {
            // What lies below may have changed since the list was opened.
            if model.keys.shown(model.scope(), model.powers, command).is_some() {
                return input::act(model, command, key);
            }
        }
        Goal::Row(place, row) => input::go_to(model, place, row),
        Goal::Page(row) => model.view.layers.push(Layer::Page { key: row, top: 0 }),
        Goal::Theme(name) => model.view.theme = name,
        Goal::Cause(id) => model.named(id),
    }
    vec![Effect::Draw]
}
