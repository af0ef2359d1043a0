//! The editor: the text, and beside or below it what is known and wrong.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
    widgets::Widget,
};

use crate::{
    session::{
        Draft, details,
        layout::{self, Area, first_visible},
        page::{Tone, wrap},
    },
    tui::{
        Snapshot,
        ink::Ink,
        widgets::{self, Title},
    },
};

/// Columns of the line numbers.
const NUMBERS: u16 = 6;

/// Draws the editor over an area.
pub(crate) fn editor(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let rect = Rect::new(area.x, area.y, area.width, area.height).intersection(buf.area);
    ratatui::widgets::Clear.render(rect, buf);
    let Some(draft) = snapshot.model.draft.as_ref() else { return };
    let (text, side) = layout::editor(area);
    let changed = if draft.is_changed() { "changed, not saved" } else { "" };
    let place = format!("{}:{}", draft.at.place.file, draft.row + 1);
    let title = Title {
        name: Ink::of(Tone::Accent, place),
        focused: true,
        summary: Ink::of(Tone::Warn, changed),
        source: Ink::new(),
    };
    widgets::title(buf, text, title);
    lines(buf, text.split_top(1).1, draft);
    about(buf, side, snapshot);
}

fn lines(buf: &mut Buffer, area: Area, draft: &Draft) {
    if draft.base.is_none() {
        let said = if draft.said.is_empty() { "reading…" } else { draft.said.as_str() };
        Ink::of(Tone::Muted, format!("  {said}")).cut(usize::from(area.width)).draw(buf, area, 0);
        return;
    }
    let height = usize::from(area.height);
    let first = first_visible(draft.top, draft.row, height, draft.lines.len());
    let (numbers, text) = area.split_left(NUMBERS, 0);
    let width = usize::from(text.width);
    let before: String =
        draft.lines.get(draft.row).map(|l| l.chars().take(draft.col).collect()).unwrap_or_default();
    let column = Ink::of(Tone::Plain, spaced(&before)).width();
    // A long line is moved so far that the cursor is on the screen.
    let skip = column.saturating_sub(width.saturating_sub(2));
    for (at, (line, y)) in draft.lines.iter().skip(first).zip(0..area.height).enumerate() {
        let row = first + at;
        let worst = draft.problems.iter().filter(|p| p.row == row).map(|p| p.grave).max();
        let (tone, mark) = match worst {
            Some(true) => (Tone::Bad, "✗"),
            Some(false) => (Tone::Warn, "!"),
            None if row == draft.row => (Tone::Accent, "▸"),
            None => (Tone::Muted, " "),
        };
        Ink::of(tone, mark).put(Tone::Muted, format!("{:>4} ", row + 1)).draw(buf, numbers, y);
        let shown = spaced(line);
        let shown: String =
            if row == draft.row { shown.chars().skip(skip).collect() } else { shown };
        let comment = shown.trim_start().starts_with('#') || shown.trim_start().starts_with(';');
        let tone = if comment { Tone::Muted } else { Tone::Plain };
        Ink::of(tone, shown).cut(width).draw(buf, text, y);
        if row == draft.row {
            cursor(buf, text, column - skip, y);
        }
    }
}

/// Tabs as spaces, as wide as they are common in configurations.
fn spaced(line: &str) -> String {
    line.replace('\t', "    ").trim_end_matches('\r').to_owned()
}

fn cursor(buf: &mut Buffer, area: Area, column: usize, y: u16) {
    let x = area.x.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
    let cell = Rect::new(x, area.y.saturating_add(y), 1, 1).intersection(buf.area);
    if x < area.x.saturating_add(area.width) {
        buf.set_style(cell, Style::new().add_modifier(Modifier::REVERSED));
    }
}

fn about(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let page = details::draft(snapshot.model);
    let name = Ink::of(Tone::Strong, page.title.as_str());
    widgets::title(buf, area, Title { name, ..Title::default() });
    let (_, text) = area.split_top(1);
    let zone = &snapshot.look.zone;
    let wrapped = wrap(&page, text.width, zone, snapshot.model.case.now.wall);
    for (line, y) in wrapped.iter().zip(0..text.height) {
        Ink::from(line).cut(usize::from(text.width)).draw(buf, text, y);
    }
}
