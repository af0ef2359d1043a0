//! The list of everything that can be done or gone to.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::{
    session::{
        Goal, Palette,
        figures::localised,
        layout::{Area, first_visible},
        page::Tone,
    },
    tui::{
        Snapshot,
        ink::Ink,
        widgets::{self, Column, List, Title, list, table},
    },
};

/// Draws the list over an area.
pub(crate) fn palette(buf: &mut Buffer, area: Area, palette: &Palette, snapshot: &Snapshot<'_>) {
    let rect = Rect::new(area.x, area.y, area.width, area.height).intersection(buf.area);
    ratatui::widgets::Clear.render(rect, buf);
    let (_, inner) = area.split_top(1);
    let (height, total) = (usize::from(inner.height), palette.found.len());
    let first = first_visible(palette.top, palette.index, height, total);
    let visible = height.min(total.saturating_sub(first));
    let more = if palette.cut { ", and more: type to narrow" } else { "" };
    let summary = Ink::of(Tone::Muted, format!("{total}{more}"));
    let (name, none) = if palette.naming {
        ("What is the cause?", "  no cause is called so")
    } else {
        ("Find a command or a place", "  nothing here is called so")
    };
    let name = Ink::of(Tone::Accent, name);
    widgets::title(buf, area, Title { name, focused: true, summary, source: Ink::new() });
    if total == 0 {
        Ink::of(Tone::Muted, none).draw(buf, inner, 0);
        return;
    }
    let now = snapshot.model.case.now.wall;
    let rows = palette.found.iter().skip(first).take(visible).map(|entry| {
        let (mark, tone) = match entry.goal {
            Goal::Command(_) => (" ", Tone::Accent),
            _ => ("→", Tone::Muted),
        };
        vec![
            Ink::of(Tone::Muted, mark),
            Ink::of(Tone::Plain, localised(&entry.words, &snapshot.look.zone, now)),
            Ink::of(tone, &entry.note),
        ]
    });
    let columns = [Column::new(1, 0), Column::new(20, 0).grows(), Column::new(9, 1)];
    let width = usize::from(inner.width.saturating_sub(widgets::MARK));
    let lines = table(rows.collect(), &columns, width);
    list(buf, inner, List { first, visible, selected: palette.index }, &lines, true);
}
