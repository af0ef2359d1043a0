//! What keys and events do to a game.

use crate::session::{
    Effect, Event, Layer, Model, Palette, keymap::Play, palette, recovery::Stage,
};

use super::{Named, Onward, Sheet, Veil, reading::reading};

/// Does what a key of the game asks for.
pub(in crate::session) fn act(model: &mut Model, play: Play) -> Vec<Effect> {
    if model.practice.is_none() {
        return Vec::new();
    }
    match play {
        Play::Panel => {
            let solved = model.practice.as_ref().is_some_and(|practice| practice.is_solved());
            open(model, if solved { Sheet::Score } else { Sheet::Panel });
        }
        Play::Begin => begin(model),
        Play::Name => palette::open_as(model, Palette::naming()),
        Play::Hint => hint(model),
        Play::Reveal => reveal(model),
        Play::Next => return vec![Effect::Onward(Onward::Next)],
        Play::Again => return vec![Effect::Onward(Onward::Again)],
    }
    vec![Effect::Draw]
}

/// Lays a sheet over everything, once.
fn open(model: &mut Model, sheet: Sheet) {
    let layers = &mut model.view.layers;
    layers.retain(|layer| !matches!(layer, Layer::Practice { .. }));
    layers.push(Layer::Practice { sheet, top: 0 });
}

fn begin(model: &mut Model) {
    let now = model.case.now.boot;
    model.view.layers.retain(|layer| !matches!(layer, Layer::Practice { .. }));
    if let Some(practice) = &mut model.practice {
        practice.began.get_or_insert(now);
    }
}

fn hint(model: &mut Model) {
    let Some(practice) = model.practice.as_mut().filter(|practice| !practice.is_solved()) else {
        return;
    };
    if practice.hints < practice.task.hints.len() {
        practice.hints += 1;
    } else {
        "that was the last hint".clone_into(&mut model.said);
    }
}

fn reveal(model: &mut Model) {
    let now = model.case.now.boot;
    let Some(practice) = model.practice.as_mut().filter(|practice| practice.hides()) else {
        return;
    };
    practice.veil = Veil::Bought;
    practice.bought = Some(practice.secs(now));
    model.see_again();
    model.view.layers.retain(|layer| !matches!(layer, Layer::Practice { .. }));
}

impl Model {
    /// Begins a game: its story lies over everything until the player says so.
    pub fn practise(&mut self, task: super::Task) {
        self.keys.with_play();
        self.practice = Some(Box::new(super::Practice::new(task)));
        open(self, Sheet::Story);
    }

    /// Takes the cause that the player named.
    pub(in crate::session) fn named(&mut self, cause: &str) {
        let now = self.case.now.boot;
        let Some(practice) = self.practice.as_mut().filter(|practice| practice.hides()) else {
            return;
        };
        let (right, secs) = (practice.task.accepts(cause), practice.secs(now));
        practice.named.push(Named { cause: cause.to_owned(), right, secs });
        if right {
            practice.veil = Veil::Named;
            self.see_again();
        }
        open(self, Sheet::Panel);
    }
}

/// Follows what the player reads and does, and notices when it is solved.
pub(in crate::session) fn after(model: &mut Model, event: &Event, effects: &mut Vec<Effect>) {
    let Some(mut practice) = model.practice.take() else { return };
    let now = model.case.now.boot;
    if let Event::Traffic(traffic) = event {
        let before = std::mem::replace(&mut practice.traffic, *traffic);
        if before != *traffic {
            effects.push(Effect::Draw);
        }
    }
    let acts = model.recovery.run.as_ref().is_some_and(|run| run.confirmed);
    if practice.is_begun() && acts && practice.acted.is_none() {
        practice.acted = Some(practice.secs(now));
    }
    if practice.is_begun() && practice.acted.is_none() {
        practice.read.extend(reading(model));
    }
    if practice.is_begun()
        && !practice.is_solved()
        // What never failed is not solved.
        && practice.traffic.failed > 0
        && practice.traffic.in_a_row >= practice.task.in_a_row.max(1)
        && !is_under_way(model)
    {
        practice.solved = Some(practice.secs(now));
        model.see_again();
        effects.push(Effect::Draw);
    }
    let opens = practice.is_solved() && !practice.told && model.view.layers.is_empty();
    practice.told |= opens;
    model.practice = Some(practice);
    if opens {
        open(model, Sheet::Score);
        effects.push(Effect::Draw);
    }
}

/// Whether a repair is being carried out, or its proof watched.
fn is_under_way(model: &Model) -> bool {
    let run = model.recovery.run.as_ref().filter(|run| run.confirmed);
    run.is_some_and(|run| !matches!(run.stage(), Stage::Over | Stage::Refused))
}
