//! More about the selected row of a view, beside or below the rows.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        details,
        layout::Area,
        page::{Tone, text_width, wrap},
        rows,
    },
    tui::{
        Snapshot,
        ink::Ink,
        widgets::{self, Title},
    },
};

/// Draws the page of the selected row, as much of it as there is room for.
pub(crate) fn side(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let (model, view) = (snapshot.model, &snapshot.model.view);
    let shown = model.shown();
    let Some(pane) = view.rows().filter(|_| !area.is_empty()) else { return };
    let keys = rows::keys(&shown, pane, &view.query);
    let at = view.pane(pane).position(&keys);
    let Some(key) = keys.get(at) else { return };
    let page = details::page(&shown, key);
    let lines = wrap(&page, text_width(area), &snapshot.look.zone, shown.case.now.wall);
    let (_, text) = area.split_top(1);
    let hidden = lines.len().saturating_sub(usize::from(text.height));
    let more = if hidden > 0 {
        Ink::of(Tone::Muted, format!("{hidden} more lines: Enter"))
    } else {
        Ink::new()
    };
    let name = Ink::of(Tone::Strong, page.title);
    widgets::title(buf, area, Title { name, source: more, ..Title::default() });
    for (line, y) in lines.iter().zip(0..text.height) {
        Ink::from(line).cut(usize::from(text.width)).draw(buf, text, y);
    }
}
