//! The keys that matter now, and what the person should not forget.

use ratatui::Frame;

use crate::session::{
    Layer, Powers,
    keymap::{self, Command, Scope},
    layout::Area,
    page::Tone,
    recovery::{Choice, Stage, best, label},
    rows,
};

use super::{Snapshot, ink::Ink, widgets::input};

/// Draws the footer, or the input line of the search.
pub(super) fn draw(frame: &mut Frame<'_>, area: Area, snapshot: &Snapshot<'_>) {
    let view = &snapshot.model.view;
    match view.layers.last() {
        Some(Layer::Search { cursor, .. }) => {
            let hint = "what to look for";
            input(
                frame,
                area,
                ("/", hint),
                &view.query,
                *cursor,
                found(snapshot).then(keys(snapshot)),
            );
            return;
        }
        Some(Layer::Logs { what, typed, cursor, flaw, .. }) => {
            let told = if flaw.is_empty() {
                keys(snapshot)
            } else {
                Ink::of(Tone::Bad, format!("✗ {flaw}"))
            };
            input(frame, area, (what.prompt(), what.hint()), typed, *cursor, told);
            return;
        }
        Some(Layer::Reason { typed, cursor }) => {
            let hint = "why is this step skipped?";
            input(frame, area, ("why", hint), typed, *cursor, keys(snapshot));
            return;
        }
        _ => {}
    }
    let line = Ink::of(Tone::Plain, " ").then(keys(snapshot));
    line.with_right(reminder(snapshot), usize::from(area.width), 20).draw(
        frame.buffer_mut(),
        area,
        0,
    );
}

fn keys(snapshot: &Snapshot<'_>) -> Ink {
    let model = snapshot.model;
    let line = repair(snapshot);
    keymap::bindings(model.scope(), model.powers).fold(line, |line, binding| match binding.short {
        Some(short) => {
            let key = binding.shown.split(' ').next().unwrap_or_default();
            let gap = if line.is_empty() { "" } else { "   " };
            let follows = model.view.logs.is_following() && model.view.held.is_none();
            let short = match (binding.command, model.scope()) {
                (Command::Pause, Scope::Logs) if !follows => "follow",
                _ => short,
            };
            line.put(Tone::Plain, gap).put(Tone::Accent, key).put(Tone::Muted, format!(" {short}"))
        }
        None => line,
    })
}

/// What the one key does now, in its own words; nothing where there is no repair.
fn repair(snapshot: &Snapshot<'_>) -> Ink {
    let model = snapshot.model;
    let here = model.scope() != Scope::Wizard;
    let bound = keymap::bindings(model.scope(), model.powers).any(|b| b.command == Command::Repair);
    if !here || !bound || model.powers < Powers::Act {
        return Ink::new();
    }
    let say = |text: String| Ink::of(Tone::Accent, "r").put(Tone::Strong, format!(" {text}"));
    if let Some(run) = model.recovery.run.as_ref().filter(|_| model.recovery.is_acting()) {
        let state = match run.stage() {
            Stage::Keeping => format!("keep? {} s left", run.keeping.unwrap_or(0)),
            Stage::Watching => format!("watching, {} s", run.secs),
            _ => "under way".to_owned(),
        };
        return say(state);
    }
    match best(model) {
        Some(Choice::Plan(plan)) => say(label(plan)),
        _ => Ink::new(),
    }
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

fn reminder(snapshot: &Snapshot<'_>) -> Ink {
    let model = snapshot.model;
    if model.view.held.is_some() {
        let waiting = model.lines_waiting();
        let text = format!("held still, {waiting} log lines wait: Space lets it run ");
        return Ink::of(Tone::Warn, text);
    }
    if let Some(terminal) = model.unfinished.first() {
        let terminal = terminal.to_string();
        let name = terminal.trim_start_matches("/dev/");
        let text = format!("a console was killed; on {name}: stty sane; tput rmcup ");
        return Ink::of(Tone::Warn, text);
    }
    if !model.broken_off.is_empty() && model.powers >= Powers::Act {
        return Ink::of(Tone::Warn, "an edit was broken off: u ");
    }
    let blind = model.shown().case.blind.len();
    match blind {
        0 => Ink::new(),
        1 => Ink::of(Tone::Warn, "1 thing out of sight: 0 "),
        n => Ink::of(Tone::Warn, format!("{n} things out of sight: 0 ")),
    }
}
