//! The list of everything that can be done.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::{
    session::{
        details,
        layout::{Area, first_visible},
        page::Tone,
        recovery::{Entry, EntryKey, entries},
    },
    tui::{
        Snapshot,
        ink::Ink,
        widgets::{self, Column, List, Title, list, table},
    },
};

/// Draws the list over an area.
pub(crate) fn actions(
    buf: &mut Buffer,
    area: Area,
    (selected, index, top): (Option<&EntryKey>, usize, usize),
    snapshot: &Snapshot<'_>,
) {
    let rect = Rect::new(area.x, area.y, area.width, area.height).intersection(buf.area);
    ratatui::widgets::Clear.render(rect, buf);
    let all = entries(snapshot.model);
    let at = EntryKey::position(selected, index, &all);
    let (_, inner) = area.split_top(1);
    let height = usize::from(inner.height);
    let first = first_visible(top, at, height, all.len());
    let visible = height.min(all.len().saturating_sub(first));
    let summary = Ink::of(
        Tone::Muted,
        format!("{}", all.iter().filter(|e| !matches!(e, Entry::Asked(_))).count()),
    );
    let name = Ink::of(Tone::Accent, "What can be done");
    widgets::title(buf, area, Title { name, focused: true, summary, source: Ink::new() });
    if all.is_empty() {
        Ink::of(Tone::Muted, "  nothing calls for a repair now").draw(buf, inner, 0);
        return;
    }
    let cells = details::action_rows(snapshot.model).into_iter().skip(first).take(visible);
    let cells = cells.map(|row| row.into_iter().map(|(tone, text)| Ink::of(tone, text)).collect());
    let columns = [Column::new(1, 0), Column::new(20, 0).grows(), Column::new(12, 1)];
    let width = usize::from(inner.width.saturating_sub(widgets::MARK));
    let lines = table(cells.collect(), &columns, width);
    list(buf, inner, List { first, visible, selected: at }, &lines, true);
}
