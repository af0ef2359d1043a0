//! What a key, a paste or a new size does to the view.

use jiff::tz::TimeZone;

use crate::observation::Clean;

use super::{
    Effect, Event, Key, KeyCode, Knowledge, Layer, Model, Pane, Place, RowKey, View, Wait, details,
    keymap::{Command, Edit, Scope, Step},
    layout::{self, Layout},
    logs, mouse, page, palette, practice,
    recovery::{self, EntryKey, entries},
    replay::Ask,
    rows,
    timeline::{self, MarkKind},
};

/// Longest search, in characters.
const QUERY: usize = 120;

/// Takes a key, a paste or a new size.
pub(super) fn update(model: &mut Model, event: &Event, knowledge: Knowledge) -> Vec<Effect> {
    match event {
        Event::Resize(columns, rows) => {
            model.view.size = (*columns, *rows);
            vec![Effect::Draw]
        }
        Event::Paste(text) => match model.view.scope() {
            Scope::Search | Scope::Reason | Scope::LogInput | Scope::Palette => {
                for c in text.chars() {
                    insert(&mut model.view, c);
                }
                retyped(model);
                vec![Effect::Draw]
            }
            Scope::Editor => model.pasted(text, knowledge),
            // A paste is never taken for keys, and never for a yes.
            _ => Vec::new(),
        },
        Event::Key(key) => press(model, *key, knowledge),
        Event::Mouse(at) => mouse::update(model, *at),
        _ => Vec::new(),
    }
}

/// Looks again for what is typed, where that is done while typing.
fn retyped(model: &mut Model) {
    logs::retyped(model);
    palette::typed(model);
}

fn press(model: &mut Model, key: Key, knowledge: Knowledge) -> Vec<Effect> {
    model.said.clear();
    let scope = model.scope();
    let command = model.keys.command(scope, key, model.powers);
    match (scope, command, key.code) {
        (_, Some(command @ (Command::Quit | Command::Move(_))), _) => act(model, command, key),
        (Scope::Confirm | Scope::Name | Scope::Answer, ..) => recovery::press(model, key),
        (_, Some(command), _) => act(model, command, key),
        (
            Scope::Search | Scope::Reason | Scope::LogInput | Scope::Palette,
            None,
            KeyCode::Char(c),
        ) if !key.control => {
            insert(&mut model.view, c);
            retyped(model);
            vec![Effect::Draw]
        }
        (Scope::Editor, None, _) => model.typed(key, knowledge),
        // Any other key is a no here too.
        (Scope::Leave, None, _) => model.editing(Command::No, key),
        _ => Vec::new(),
    }
}

/// Does what a command says; `key` is the one that asked for it.
pub(super) fn act(model: &mut Model, command: Command, key: Key) -> Vec<Effect> {
    if model.scope() == Scope::Logs
        && let Some(effects) = logs::act(model, command)
    {
        return effects;
    }
    match command {
        Command::Quit => return vec![Effect::Quit],
        Command::Back => back(model),
        Command::Help => model.view.layers.push(Layer::Help { top: 0 }),
        Command::Show(place) => return turn_to(model, place, key),
        Command::Focus(pane) => model.view.look_at(pane),
        Command::NextPane => model.view.look_at(model.view.focus.next(false)),
        Command::PreviousPane => model.view.look_at(model.view.focus.next(true)),
        Command::Move(step) => shift(model, step),
        Command::Open => open(model),
        Command::Sources => {
            uncover(model);
            model.view.layers.push(Layer::Page { key: RowKey::Sources, top: 0 });
        }
        Command::Search => {
            let before = model.view.query.clone();
            let cursor = before.chars().count();
            model.view.layers.push(Layer::Search { cursor, before });
        }
        Command::NextMatch => next_match(model, false),
        Command::PreviousMatch => next_match(model, true),
        Command::Zoom => model.view.zoom = !model.view.zoom,
        Command::Closer | Command::Wider | Command::Fit => look_closer(model, command),
        Command::Pause => model.hold(),
        Command::Edit(Edit::Accept) if model.view.scope() == Scope::Reason => {
            return model.skipped();
        }
        Command::Edit(change) if model.view.scope() == Scope::LogInput => match change {
            Edit::Accept => return logs::accept(model),
            Edit::Cancel => logs::cancel(model),
            Edit::Erase if logs::erase_filter(model) => logs::retyped(model),
            _ => {
                edit(&mut model.view, change);
                logs::retyped(model);
            }
        },
        Command::Edit(change) => {
            edit(&mut model.view, change);
            if !matches!(change, Edit::Accept | Edit::Cancel) {
                palette::typed(model);
            }
        }
        Command::Palette => palette::open(model),
        Command::Run => return palette::run(model, key),
        Command::NextView => return turn_by(model, 1, key),
        Command::PreviousView => return turn_by(model, Place::ALL.len() - 1, key),
        Command::Mouse => {
            model.view.mouse_off = !model.view.mouse_off;
            model.said = if model.view.mouse_off {
                "the mouse is the terminal's: it selects text".to_owned()
            } else {
                "the mouse chooses, opens and scrolls here".to_owned()
            };
        }
        Command::Clock => model.view.utc = !model.view.utc,
        Command::LinesOf => return model.lines_of(),
        Command::SaveScreen => {
            model.wait(Wait::Screen);
            return vec![Effect::SaveScreen, Effect::Draw];
        }
        Command::Report => return model.report(),
        // What only the view of the logs knows was done above.
        Command::Log(_) => {}
        Command::Repair if model.view.scope() == Scope::Wizard => return model.walk(command, key),
        Command::Repair | Command::Rehearse if model.is_veiled() && !model.recovery.is_acting() => {
            model.said = "name the cause first: p".to_owned();
        }
        Command::Repair
        | Command::Rehearse
        | Command::Undo
        | Command::Actions
        | Command::Choose
        | Command::Keep
        | Command::Revert
        | Command::Audit => return recovery::act(model, command, key),
        Command::Wizard
        | Command::Onward
        | Command::Backward
        | Command::Skip
        | Command::Depth
        | Command::Track
        | Command::Senior => return model.walk(command, key),
        Command::Turn(turn) => return model.kiosk_turn(turn),
        Command::Replay(Ask::Time) => logs::ask_moment(model),
        Command::Replay(ask) => return vec![Effect::Replay(ask), Effect::Draw],
        Command::Play(play) => return practice::act(model, play),
        Command::Save | Command::Discard | Command::Yes | Command::No => {
            return model.editing(command, key);
        }
    }
    vec![Effect::Draw]
}

/// Closes every layer, each as `Esc` would.
fn uncover(model: &mut Model) {
    while !model.view.layers.is_empty() {
        back(model);
    }
}

/// Turns to a view from wherever the person is.
fn turn_to(model: &mut Model, place: Place, key: Key) -> Vec<Effect> {
    if model.view.here() == place && matches!(place, Place::Recovery | Place::Audit) {
        return Vec::new();
    }
    uncover(model);
    match place {
        Place::Recovery => model.walk(Command::Wizard, key),
        Place::Audit => recovery::act(model, Command::Audit, key),
        Place::Timeline => {
            model.view.turn_to(place);
            model.wait(Wait::Audit);
            to_the_first_failure(model);
            vec![Effect::ReadAudit, Effect::Draw]
        }
        _ => {
            model.view.turn_to(place);
            vec![Effect::Draw]
        }
    }
}

/// Nobody opens the timeline to read how the host booted: until somebody moved there, the cursor
/// stands where it began to fail, else at the newest mark.
fn to_the_first_failure(model: &mut Model) {
    if model.view.pane(Pane::Timeline).selected.is_some() {
        return;
    }
    let keys = rows::keys(&model.shown(), Pane::Timeline, "");
    let began =
        |key: &RowKey| matches!(key, RowKey::Mark(mark) if mark.kind == MarkKind::FirstFailure);
    let at = keys.iter().position(began).unwrap_or(keys.len().saturating_sub(1));
    let layout = layout::layout(&model.view, &model.shown());
    let height = height_of(model, &layout, Pane::Timeline);
    // Half a page of what led to it stands above.
    let view = model.view.panes.entry(Pane::Timeline).or_default();
    view.top = (at + height / 2).saturating_sub(height.saturating_sub(1)).min(at);
    select(model, Pane::Timeline, &keys, at, height);
}

/// Turns to the view so many places on, around the end.
fn turn_by(model: &mut Model, step: usize, key: Key) -> Vec<Effect> {
    let here = Place::ALL.iter().position(|place| *place == model.view.here()).unwrap_or(0);
    let next = Place::ALL.get((here + step) % Place::ALL.len()).copied().unwrap_or_default();
    turn_to(model, next, key)
}

/// Turns to a row of a view.
pub(super) fn go_to(model: &mut Model, place: Place, row: RowKey) {
    uncover(model);
    model.view.turn_to(place);
    let Some(pane) = place.pane() else { return };
    model.view.query.clear();
    let layout = layout::layout(&model.view, &model.shown());
    let keys = rows::keys(&model.shown(), pane, "");
    let height = height_of(model, &layout, pane);
    match keys.iter().position(|key| *key == row) {
        Some(at) => select(model, pane, &keys, at, height),
        // It is gone since it was listed: its page says so.
        None => model.view.layers.push(Layer::Page { key: row, top: 0 }),
    }
}

/// Shows more or less of the past, from what is on screen.
fn look_closer(model: &mut Model, command: Command) {
    let secs = timeline::marks(&model.shown()).window.secs();
    let axis = &mut model.view.axis;
    *axis = match command {
        Command::Closer => timeline::Zoom::closer(secs),
        Command::Wider => axis.wider(secs),
        _ => timeline::Zoom::Fit,
    };
}

fn back(model: &mut Model) {
    let view = &mut model.view;
    match view.layers.pop() {
        None if view.query.is_empty() && view.zoom => view.zoom = false,
        None if view.query.is_empty() => view.turn_to(Place::Overview),
        None => view.query.clear(),
        // What is over has been read; what still runs is kept.
        Some(Layer::Run) => {
            let over = model.recovery.run.take_if(|run| run.ending.is_some()).is_some();
            // The list that it was chosen from has changed by it.
            model.view.layers.pop_if(|layer| over && matches!(layer, Layer::Actions { .. }));
        }
        Some(_) => {}
    }
}

fn open(model: &mut Model) {
    let Some(pane) = model.view.rows() else { return };
    let keys = rows::keys(&model.shown(), pane, &model.view.query);
    let at = model.view.pane(pane).position(&keys);
    if let Some(key) = keys.into_iter().nth(at) {
        model.view.layers.push(Layer::Page { key, top: 0 });
    }
}

/// Lines of the top layer.
fn layer_lines(model: &Model, layout: &Layout) -> Vec<String> {
    let body = match model.view.layers.last() {
        Some(Layer::Wizard { .. }) => layout::wizard(layout.body).1,
        _ => layout.body,
    };
    let Some(layer) = model.view.layers.last() else { return Vec::new() };
    let lines = details::lines(model, layer, page::text_width(body), &TimeZone::UTC);
    lines.iter().map(page::Line::text).collect()
}

/// The first visible line of the top layer, where it has lines.
fn layer_top(model: &mut Model) -> Option<&mut usize> {
    match model.view.layers.last_mut()? {
        Layer::Page { top, .. }
        | Layer::Help { top }
        | Layer::Refusal { top, .. }
        | Layer::Audit { top }
        | Layer::Wizard { top }
        | Layer::Senior { top }
        | Layer::Practice { top, .. } => Some(top),
        Layer::Confirm | Layer::Run => model.recovery.run.as_mut().map(|run| &mut run.top),
        Layer::Actions { .. }
        | Layer::Search { .. }
        | Layer::Logs { .. }
        | Layer::Reason { .. }
        | Layer::Editor
        | Layer::Palette(_)
        | Layer::Leave => None,
    }
}

fn shift(model: &mut Model, step: Step) {
    let layout = layout::layout(&model.view, &model.shown());
    if let Some(top) = layer_top(model).map(|top| *top) {
        // The question has two lines of its own below the text.
        let below = usize::from(matches!(model.view.layers.last(), Some(Layer::Confirm))) * 2;
        let height = usize::from(page::text_height(layout.body)).saturating_sub(below);
        let last = layer_lines(model, &layout).len().saturating_sub(height);
        scroll_to(model, step.from(top, height, last));
        return;
    }
    if let Some(Layer::Actions { .. }) = model.view.layers.last() {
        choose(model, step, usize::from(page::text_height(layout.body)));
        return;
    }
    if let Some(Layer::Palette(palette)) = model.view.layers.last_mut() {
        let height = usize::from(page::text_height(layout.body));
        let last = palette.found.len().saturating_sub(1);
        palette.choose(step.from(palette.index, height, last), height);
        return;
    }
    let Some(pane) = model.view.rows() else { return };
    let keys = rows::keys(&model.shown(), pane, &model.view.query);
    let at = model.view.pane(pane).position(&keys);
    let height = height_of(model, &layout, pane);
    select(model, pane, &keys, step.from(at, height, keys.len().saturating_sub(1)), height);
}

fn height_of(model: &Model, layout: &Layout, pane: Pane) -> usize {
    let area = layout.panes.iter().find(|(p, _)| *p == pane).map(|(_, area)| *area);
    let shown = model.shown();
    area.map_or(1, |area| usize::from(layout::list_area(&shown, pane, area, usize::MAX).0.height))
}

/// Selects a row of a pane of which so many rows are visible.
pub(super) fn select(model: &mut Model, pane: Pane, keys: &[RowKey], index: usize, height: usize) {
    let view = model.view.panes.entry(pane).or_default();
    view.selected = keys.get(index).cloned();
    view.index = index;
    view.top = layout::first_visible(view.top, index, height, keys.len());
}

/// Moves in the list of actions.
fn choose(model: &mut Model, step: Step, height: usize) {
    let Some(Layer::Actions { selected, index, top }) = model.view.layers.last() else { return };
    let (key, next, first) = {
        let all = entries(model);
        let at = EntryKey::position(selected.as_ref(), *index, &all);
        let mut next = step.from(at, height, all.len().saturating_sub(1));
        // Upwards a heading is stepped over; downwards its first row is stood on.
        if next < at && matches!(all.get(next), Some(recovery::Entry::Asked(_))) {
            next = next.saturating_sub(1);
        }
        let next = EntryKey::position(None, next, &all);
        let first = layout::first_visible(*top, next, height, all.len());
        (all.get(next).map(recovery::Entry::key), next, first)
    };
    if let Some(Layer::Actions { selected, index, top }) = model.view.layers.last_mut() {
        (*selected, *index, *top) = (key, next, first);
    }
}

fn scroll_to(model: &mut Model, line: usize) {
    if let Some(top) = layer_top(model) {
        *top = line;
    }
}

fn next_match(model: &mut Model, backwards: bool) {
    if model.view.query.is_empty() {
        return;
    }
    let layout = layout::layout(&model.view, &model.shown());
    if let Some(Layer::Page { top, .. }) = model.view.layers.last() {
        let top = *top;
        let lines = layer_lines(model, &layout);
        let height = usize::from(page::text_height(layout.body));
        let query = model.view.query.to_lowercase();
        let hits: Vec<usize> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.to_lowercase().contains(&query))
            .map(|(at, _)| at)
            .collect();
        let next = if backwards {
            hits.iter().rev().find(|at| **at < top).or(hits.last())
        } else {
            hits.iter().find(|at| **at > top).or(hits.first())
        };
        if let Some(at) = next {
            scroll_to(model, (*at).min(lines.len().saturating_sub(height)));
        }
        return;
    }
    // Only matching rows are listed: the next match is the next row, around the end.
    let Some(pane) = model.view.rows() else { return };
    let keys = rows::keys(&model.shown(), pane, &model.view.query);
    if keys.is_empty() {
        return;
    }
    let at = model.view.pane(pane).position(&keys);
    let step = if backwards { keys.len() - 1 } else { 1 };
    let height = height_of(model, &layout, pane);
    select(model, pane, &keys, (at + step) % keys.len(), height);
}

/// Only what a screen can show as it is may be typed.
fn insert(view: &mut View, c: char) {
    if !Clean::new(c.encode_utf8(&mut [0; 4])).as_str().chars().eq([c]) {
        return;
    }
    if let Some((text, cursor)) = typed(view)
        && text.chars().count() < QUERY
    {
        let at = byte_of(text, *cursor);
        text.insert(at, c);
        *cursor += 1;
    }
}

/// The open input line, and the characters before its cursor.
fn typed(view: &mut View) -> Option<(&mut String, &mut usize)> {
    match view.layers.last_mut()? {
        Layer::Search { cursor, .. } => Some((&mut view.query, cursor)),
        Layer::Reason { typed, cursor } | Layer::Logs { typed, cursor, .. } => {
            Some((typed, cursor))
        }
        Layer::Palette(palette) => Some((&mut palette.typed, &mut palette.cursor)),
        _ => None,
    }
}

fn byte_of(text: &str, chars: usize) -> usize {
    text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
}

fn edit(view: &mut View, change: Edit) {
    match change {
        Edit::Accept => return drop(view.layers.pop()),
        Edit::Cancel => return cancel(view),
        _ => {}
    }
    let Some((text, cursor)) = typed(view) else { return };
    match change {
        Edit::Left => *cursor = cursor.saturating_sub(1),
        Edit::Right => *cursor = (*cursor + 1).min(text.chars().count()),
        Edit::Home => *cursor = 0,
        Edit::End => *cursor = text.chars().count(),
        Edit::Erase if *cursor > 0 => {
            *cursor -= 1;
            let at = byte_of(text, *cursor);
            text.remove(at);
        }
        Edit::EraseAll => {
            let at = byte_of(text, *cursor);
            text.drain(..at);
            *cursor = 0;
        }
        Edit::Erase | Edit::Accept | Edit::Cancel => {}
    }
}

fn cancel(view: &mut View) {
    // The list of commands leaves nothing behind.
    if let Some(Layer::Search { before, .. }) = view.layers.pop() {
        view.query = before;
        if view.layers.is_empty() {
            view.query.clear();
        }
    }
}
