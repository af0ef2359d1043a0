//! The keys that matter now, and what the person should not forget.

use ratatui::Frame;

use crate::session::{Layer, keymap::BINDINGS, layout::Area, page::Tone, rows};

use super::{Snapshot, ink::Ink, widgets::input};

/// Draws the footer, or the input line of the search.
pub(super) fn draw(frame: &mut Frame<'_>, area: Area, snapshot: &Snapshot<'_>) {
    let view = &snapshot.model.view;
    if let Some(Layer::Search { cursor, .. }) = view.layers.last() {
        input(frame, area, &view.query, *cursor, found(snapshot).then(keys(snapshot)));
        return;
    }
    let line = Ink::of(Tone::Plain, " ").then(keys(snapshot));
    line.with_right(reminder(snapshot), usize::from(area.width), 20).draw(
        frame.buffer_mut(),
        area,
        0,
    );
}

fn keys(snapshot: &Snapshot<'_>) -> Ink {
    let scope = snapshot.model.view.scope();
    let here = BINDINGS.iter().filter(|b| b.scopes.contains(&scope));
    here.fold(Ink::new(), |line, binding| match binding.short {
        Some(short) => {
            let key = binding.shown.split(' ').next().unwrap_or_default();
            line.put(Tone::Accent, key).put(Tone::Muted, format!(" {short}   "))
        }
        None => line,
    })
}

fn found(snapshot: &Snapshot<'_>) -> Ink {
    let view = &snapshot.model.view;
    if view.query.is_empty() || view.layers.iter().any(|l| matches!(l, Layer::Page { .. })) {
        return Ink::new();
    }
    let n = rows::keys(&snapshot.model.shown(), view.focus, &view.query).len();
    let tone = if n == 0 { Tone::Bad } else { Tone::Plain };
    Ink::of(tone, format!("{n} found   "))
}

fn reminder(snapshot: &Snapshot<'_>) -> Ink {
    let model = snapshot.model;
    if model.view.held.is_some() {
        let waiting = model.lines_waiting();
        let text = format!("held still, {waiting} log lines wait: Space lets it run ");
        return Ink::of(Tone::Warn, text);
    }
    let blind = model.shown().case.blind.len();
    match blind {
        0 => Ink::new(),
        1 => Ink::of(Tone::Warn, "1 thing out of sight: 6 "),
        n => Ink::of(Tone::Warn, format!("{n} things out of sight: 6 ")),
    }
}
