//! The keys that matter now, and what the person should not forget.

use ratatui::Frame;

use crate::session::{Layer, footer, layout::Area, page::Tone, rows};

use super::{Snapshot, ink::Ink, widgets::input};

/// Draws the footer, or the input line of what is typed.
pub(super) fn draw(frame: &mut Frame<'_>, area: Area, snapshot: &Snapshot<'_>) {
    let view = &snapshot.model.view;
    let half = usize::from(area.width) / 2;
    match view.layers.last() {
        Some(Layer::Search { cursor, .. }) => {
            let right = found(snapshot).then(keys(snapshot, half));
            input(frame, area, ("/", "what to look for"), &view.query, *cursor, right);
            return;
        }
        Some(Layer::Logs { what, typed, cursor, flaw, .. }) => {
            let told = if flaw.is_empty() {
                keys(snapshot, half)
            } else {
                Ink::of(Tone::Bad, format!("✗ {flaw}"))
            };
            input(frame, area, (what.prompt(), what.hint()), typed, *cursor, told);
            return;
        }
        Some(Layer::Reason { typed, cursor }) => {
            let hint = "why is this step skipped?";
            input(frame, area, ("why", hint), typed, *cursor, keys(snapshot, half));
            return;
        }
        Some(Layer::Palette(palette)) => {
            let prompt = if palette.naming {
                ("cause", "a part of its name")
            } else {
                (":", "a command, a view, an upstream, a unit")
            };
            input(frame, area, prompt, &palette.typed, palette.cursor, keys(snapshot, half));
            return;
        }
        _ => {}
    }
    let width = usize::from(area.width);
    let footer = footer(snapshot.model, width);
    let reminder = Ink::of(footer.reminder.0, &footer.reminder.1);
    keys(snapshot, width).with_right(reminder, width, 20).draw(frame.buffer_mut(), area, 0);
}

fn keys(snapshot: &Snapshot<'_>, width: usize) -> Ink {
    let footer = footer(snapshot.model, width);
    let mut line = Ink::new();
    let (key, words) = &footer.lead;
    if !words.is_empty() {
        line = line.put(Tone::Plain, " ").put(Tone::Accent, key);
        line = line.put(Tone::Strong, format!(" {words}"));
    }
    for hint in &footer.hints {
        let gap = hint.column.saturating_sub(line.width());
        line = line
            .put(Tone::Plain, " ".repeat(gap))
            .put(Tone::Accent, &hint.key)
            .put(Tone::Muted, format!(" {}", hint.words));
    }
    line
}

fn found(snapshot: &Snapshot<'_>) -> Ink {
    let view = &snapshot.model.view;
    if view.query.is_empty() || view.layers.iter().any(|l| matches!(l, Layer::Page { .. })) {
        return Ink::new();
    }
    let Some(pane) = view.rows() else { return Ink::new() };
    let n = rows::keys(&snapshot.model.shown(), pane, &view.query).len();
    let tone = if n == 0 { Tone::Bad } else { Tone::Plain };
    Ink::of(tone, format!("{n} found   "))
}
