//! What a key, a paste or a new size does to the view.

use jiff::tz::TimeZone;

use crate::observation::Clean;

use super::{
    Effect, Event, Key, KeyCode, Layer, Model, Pane, RowKey, View, details,
    keymap::{self, Command, Edit, Scope, Step},
    layout::{self, Layout},
    page, rows,
};

/// Longest search, in characters.
const QUERY: usize = 120;

/// Takes a key, a paste or a new size.
pub(super) fn update(model: &mut Model, event: &Event) -> Vec<Effect> {
    match event {
        Event::Resize(columns, rows) => {
            model.view.size = (*columns, *rows);
            vec![Effect::Draw]
        }
        Event::Paste(text) if model.view.scope() == Scope::Search => {
            for c in text.chars() {
                insert(&mut model.view, c);
            }
            vec![Effect::Draw]
        }
        Event::Key(key) => press(model, *key),
        _ => Vec::new(),
    }
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    let scope = model.view.scope();
    match (keymap::command(scope, key), key.code) {
        (Some(command), _) => act(model, command),
        (None, KeyCode::Char(c)) if scope == Scope::Search && !key.control => {
            insert(&mut model.view, c);
            vec![Effect::Draw]
        }
        _ => Vec::new(),
    }
}

fn act(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Quit => return vec![Effect::Quit],
        Command::Back => back(&mut model.view),
        Command::Help => model.view.layers.push(Layer::Help { top: 0 }),
        Command::Focus(pane) => model.view.look_at(pane),
        Command::NextPane => model.view.look_at(model.view.focus.next(false)),
        Command::PreviousPane => model.view.look_at(model.view.focus.next(true)),
        Command::Move(step) => shift(model, step),
        Command::Open => open(model),
        Command::Sources => {
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
        Command::Pause => model.hold(),
        Command::Edit(change) => edit(&mut model.view, change),
    }
    vec![Effect::Draw]
}

fn back(view: &mut View) {
    if view.layers.pop().is_none() {
        if view.query.is_empty() {
            view.zoom = false;
        } else {
            view.query.clear();
        }
    }
}

fn open(model: &mut Model) {
    let pane = model.view.focus;
    let keys = rows::keys(&model.shown(), pane, &model.view.query);
    let at = model.view.pane(pane).position(&keys);
    if let Some(key) = keys.into_iter().nth(at) {
        model.view.layers.push(Layer::Page { key, top: 0 });
    }
}

fn stepped(at: usize, step: Step, height: usize, last: usize) -> usize {
    let page = height.max(1);
    let half = (page / 2).max(1);
    match step {
        Step::Down => at.saturating_add(1),
        Step::Up => at.saturating_sub(1),
        Step::HalfDown => at.saturating_add(half),
        Step::HalfUp => at.saturating_sub(half),
        Step::PageDown => at.saturating_add(page),
        Step::PageUp => at.saturating_sub(page),
        Step::Top => 0,
        Step::Bottom => last,
    }
    .min(last)
}

/// Lines of the top layer, and how many of them are visible.
fn layer_lines(model: &Model, layout: &Layout) -> Vec<String> {
    let width = page::text_width(layout.body);
    let text = match model.view.layers.last() {
        Some(Layer::Page { key, .. }) => details::page(&model.shown(), key),
        Some(Layer::Help { .. }) => details::help(&model.view),
        _ => return Vec::new(),
    };
    let now = model.shown().case.now.wall;
    page::wrap(&text, width, &TimeZone::UTC, now).iter().map(page::Line::text).collect()
}

fn shift(model: &mut Model, step: Step) {
    let layout = layout::layout(&model.view, &model.shown());
    if let Some(Layer::Page { top, .. } | Layer::Help { top }) = model.view.layers.last() {
        let top = *top;
        let height = usize::from(page::text_height(layout.body));
        let last = layer_lines(model, &layout).len().saturating_sub(height);
        scroll_to(&mut model.view, stepped(top, step, height, last));
        return;
    }
    let pane = model.view.focus;
    let keys = rows::keys(&model.shown(), pane, &model.view.query);
    let at = model.view.pane(pane).position(&keys);
    let height = height_of(model, &layout, pane);
    select(model, pane, &keys, stepped(at, step, height, keys.len().saturating_sub(1)), height);
}

fn height_of(model: &Model, layout: &Layout, pane: Pane) -> usize {
    let area = layout.panes.iter().find(|(p, _)| *p == pane).map(|(_, area)| *area);
    let shown = model.shown();
    area.map_or(1, |area| usize::from(layout::list_area(&shown, pane, area, usize::MAX).0.height))
}

fn select(model: &mut Model, pane: Pane, keys: &[RowKey], index: usize, height: usize) {
    let view = model.view.panes.entry(pane).or_default();
    view.selected = keys.get(index).cloned();
    view.index = index;
    view.top = layout::first_visible(view.top, index, height, keys.len());
}

fn scroll_to(view: &mut View, line: usize) {
    if let Some(Layer::Page { top, .. } | Layer::Help { top }) = view.layers.last_mut() {
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
            scroll_to(&mut model.view, (*at).min(lines.len().saturating_sub(height)));
        }
        return;
    }
    // Only matching rows are listed: the next match is the next row, around the end.
    let pane = model.view.focus;
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
    let safe = Clean::new(c.encode_utf8(&mut [0; 4])).as_str().chars().eq([c]);
    let full = view.query.chars().count() >= QUERY;
    if let Some(Layer::Search { cursor, .. }) = view.layers.last_mut()
        && safe
        && !full
    {
        let at = byte_of(&view.query, *cursor);
        view.query.insert(at, c);
        *cursor += 1;
    }
}

fn byte_of(text: &str, chars: usize) -> usize {
    text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
}

fn edit(view: &mut View, change: Edit) {
    let length = view.query.chars().count();
    let Some(Layer::Search { cursor, before }) = view.layers.last_mut() else { return };
    match change {
        Edit::Left => *cursor = cursor.saturating_sub(1),
        Edit::Right => *cursor = (*cursor + 1).min(length),
        Edit::Home => *cursor = 0,
        Edit::End => *cursor = length,
        Edit::Erase if *cursor > 0 => {
            *cursor -= 1;
            let at = byte_of(&view.query, *cursor);
            view.query.remove(at);
        }
        Edit::Erase => {}
        Edit::EraseAll => {
            let at = byte_of(&view.query, *cursor);
            view.query.drain(..at);
            *cursor = 0;
        }
        Edit::Accept => drop(view.layers.pop()),
        Edit::Cancel => {
            view.query = std::mem::take(before);
            view.layers.pop();
            if view.layers.is_empty() {
                view.query.clear();
            }
        }
    }
}
