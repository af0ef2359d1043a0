//! Errors in the logs, the same trouble a thousand times as one row.

use ratatui::buffer::Buffer;

use crate::{
    evidence::Fold,
    session::{
        Pane, RowKey,
        figures::{count, day_clock},
        page::Tone,
        rows,
    },
    tui::{
        ink::Ink,
        widgets::{Column, per_minute, spark, table},
    },
};

use super::Part;

const COLUMNS: [Column; 6] = [
    Column::new(4, 0).right(),
    Column::new(5, 2).right(),
    Column::new(10, 3),
    Column::new(8, 1),
    Column::new(12, 4),
    Column::new(16, 0).grows(),
];

/// Draws the pane.
pub(crate) fn errors(buf: &mut Buffer, part: &Part<'_>) {
    let list = part.list(Pane::Errors);
    let fold = |key: &RowKey| {
        let RowKey::Fold(id, to, who) = key else { return None };
        part.shown.case.logs.folds.get(&(*id, to.clone(), *who))
    };
    let visible = list.visible(part.keys).iter().filter_map(fold);
    let cells = visible.map(|fold| cells(part, fold)).collect();
    let rows = table(cells, &COLUMNS, part.width());
    part.rows(buf, list, &rows, "no error line was seen");
}

fn cells(part: &Part<'_>, fold: &Fold) -> Vec<Ink> {
    let now = part.shown.case.now.wall;
    let wide = if part.width() > 100 { 30 } else { 15 };
    let recent = rows::is_recent(part.shown, fold);
    let rate = per_minute(&fold.minutes, now);
    let rate = if rate > 0 {
        Ink::of(Tone::Plain, count(rate.into())).put(Tone::Muted, "/min")
    } else {
        Ink::of(Tone::Muted, "–")
    };
    let whose = fold.address.as_ref().map_or_else(|| fold.program.to_string(), ToString::to_string);
    let cells = vec![
        Ink::of(Tone::Strong, count(fold.count)),
        rate,
        spark(&fold.minutes, now, wide, Tone::Bad),
        Ink::of(Tone::Muted, day_clock(fold.last, &part.look.zone, now)),
        Ink::of(Tone::Plain, whose).cut(28),
        Ink::of(Tone::Plain, rows::message(fold)),
    ];
    if recent { cells } else { cells.into_iter().map(|cell| cell.all(Tone::Muted)).collect() }
}
