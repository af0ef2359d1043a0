//! More about the selected row of a view: beside, below or, on the timeline, above the rows.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        Place, RowKey,
        beside::{BOXES, WIDE},
        chain::way,
        details,
        layout::Area,
        page::{Page, Tone, text_width, wrap},
        rows,
    },
    tui::{
        Snapshot,
        ink::Ink,
        widgets::{self, Title},
    },
};

use super::{axis, boxes, frame::source, ladder};

/// Draws it.
pub(crate) fn side(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let (model, view) = (snapshot.model, &snapshot.model.view);
    let shown = model.shown();
    let Some(pane) = view.rows().filter(|_| !area.is_empty()) else { return };
    let keys = rows::keys(&shown, pane, &view.query);
    let key = keys.get(view.pane(pane).position(&keys));
    match (view.place, key) {
        (Place::Timeline, key) => axis::axis(buf, area, key, snapshot),
        (_, None) => {}
        (Place::Chain, Some(RowKey::Upstream(id))) => {
            let Some(way) = way(&shown, id) else { return };
            let look = snapshot.look;
            if area.width >= BOXES && area.height >= boxes::LEAST {
                boxes::boxes(buf, area, &way, &shown, look);
            } else {
                // Beside the rows their title has no room for it.
                let beside = (WIDE..BOXES).contains(&view.size.0);
                let whence = source(pane, view.place, &shown).into_iter().filter(|_| beside);
                let whence = whence.fold(Ink::new(), Ink::then);
                ladder::ladder(buf, area, (&way, whence), &shown, look);
            }
        }
        (Place::Causes, Some(key)) => {
            if let Some(said) = details::weighed(model, key) {
                page(buf, area, said, snapshot);
            }
        }
        (_, Some(key)) => page(buf, area, details::page(&shown, key), snapshot),
    }
}

/// As much of a page as there is room for.
fn page(buf: &mut Buffer, area: Area, page: Page, snapshot: &Snapshot<'_>) {
    let now = snapshot.model.shown().case.now.wall;
    let lines = wrap(&page, text_width(area), &snapshot.look.zone, now);
    let (_, text) = area.split_top(1);
    let hidden = lines.len().saturating_sub(usize::from(text.height));
    let more = Ink::of(Tone::Muted, ladder::more_lines(hidden));
    let name = Ink::of(Tone::Strong, page.title);
    widgets::title(buf, area, Title { name, source: more, ..Title::default() });
    for (line, y) in lines.iter().zip(0..text.height) {
        Ink::from(line).cut(usize::from(text.width)).draw(buf, text, y);
    }
}
