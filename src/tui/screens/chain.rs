//! The upstreams of the view of the chain: those that break first.

use ratatui::buffer::Buffer;

use crate::{
    diagnosis::UpstreamRow,
    session::{Pane, figures::count, page::Tone, rows as keys},
    tui::{
        ink::Ink,
        widgets::{Column, table},
    },
};

use super::{
    Part,
    upstreams::{NONE, state, upstreams},
};

const COLUMNS: [Column; 5] = [
    Column::new(10, 0),
    Column::new(16, 0),
    Column::new(9, 2),
    Column::new(14, 1).grows(),
    Column::new(7, 3).right(),
];

/// Draws the visible rows.
pub(crate) fn rows(buf: &mut Buffer, part: &Part<'_>) {
    // Where there is room for every link in a row, there is room for who stands behind it.
    if part.width() >= 78 {
        upstreams(buf, part);
        return;
    }
    let list = part.list(Pane::Upstreams);
    let found = keys::upstream_rows(part.shown, list.visible(part.keys)).into_iter();
    let cells = found.map(|row| cells(part, row)).collect();
    let lines = table(cells, &COLUMNS, part.width());
    part.rows(buf, list, &lines, NONE);
}

fn cells(part: &Part<'_>, row: &UpstreamRow) -> Vec<Ink> {
    let bad = row.state != "up";
    let address = match row.address.strip_prefix("unix:").and_then(|path| path.rsplit_once('/')) {
        Some((_, name)) => format!("…/{name}"),
        None => row.address.clone(),
    };
    let errors = if row.errors > 0 {
        Ink::of(Tone::Bad, count(row.errors)).put(Tone::Muted, " err")
    } else {
        Ink::new()
    };
    let home = keys::home(part.shown, &row.gateway)
        .map_or_else(Ink::new, |home| Ink::of(Tone::Muted, format!("of {home}")).cut(12));
    vec![
        state(row.state),
        Ink::of(if bad { Tone::Strong } else { Tone::Plain }, address),
        home,
        Ink::of(if bad { Tone::Plain } else { Tone::Muted }, &row.reason),
        errors,
    ]
}
