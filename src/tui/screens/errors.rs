//! Errors in the logs, the same trouble a thousand times as one row.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;

use crate::{
    evidence::Fold,
    observation::{Address, Wall},
    session::{
        Pane, RowKey,
        figures::{count, day_clock},
        page::Tone,
        requests, rows,
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
    Column::new(32, 0).grows(),
];

/// Draws the pane.
pub(crate) fn errors(buf: &mut Buffer, part: &Part<'_>) {
    let list = part.list(Pane::Errors);
    let row = |key: &RowKey| match key {
        RowKey::Requests => Some(failed(part)),
        RowKey::Fold(id, to, who) => {
            part.shown.case.logs.folds.get(&(*id, to.clone(), *who)).map(|fold| cells(part, fold))
        }
        _ => None,
    };
    let cells = list.visible(part.keys).iter().filter_map(row).collect();
    let rows = table(cells, &COLUMNS, part.width());
    part.rows(buf, list, &rows, "no error line was seen");
}

/// Columns of a curve.
fn curve(part: &Part<'_>) -> usize {
    if part.width() > 140 { 30 } else { 15 }
}

fn rate(minutes: &BTreeMap<i64, u32>, now: Wall) -> Ink {
    match per_minute(minutes, now) {
        0 => Ink::of(Tone::Muted, "–"),
        n => Ink::of(Tone::Plain, count(n.into())).put(Tone::Muted, "/min"),
    }
}

/// The requests that failed, in one row.
fn failed(part: &Part<'_>) -> Vec<Ink> {
    let now = part.shown.case.now.wall;
    let kinds = requests::kinds(part.shown);
    let minutes = requests::by_minute(part.shown);
    let (_, failed) = part.shown.case.access.totals(None, requests::since(part.shown));
    let failed = failed.max(kinds.iter().map(|kind| kind.count as u64).sum());
    let last = kinds.iter().map(|kind| kind.newest.at).max().unwrap_or(now);
    let mut text = Ink::new();
    if let Some(kind) = kinds.first() {
        text = text.put(Tone::Plain, requests::words(kind.newest));
    }
    if kinds.len() > 1 {
        text = text.put(Tone::Muted, format!(" and {} other kinds", kinds.len() - 1));
    }
    vec![
        Ink::of(Tone::Strong, count(failed)),
        rate(&minutes, now),
        spark(&minutes, now, curve(part), Tone::Bad),
        Ink::of(Tone::Muted, day_clock(last, &part.look.zone, now)),
        Ink::of(Tone::Plain, "requests"),
        text,
    ]
}

/// Whom a line is about: the upstream, or who wrote it.
fn whose(fold: &Fold) -> String {
    match &fold.address {
        Some(Address::Unix(path)) => {
            path.to_string().rsplit('/').next().unwrap_or_default().to_owned()
        }
        Some(address) => address.to_string(),
        None => fold.program.to_string(),
    }
}

fn cells(part: &Part<'_>, fold: &Fold) -> Vec<Ink> {
    let now = part.shown.case.now.wall;
    let recent = rows::is_recent(part.shown, fold);
    let cells = vec![
        Ink::of(Tone::Strong, count(fold.count)),
        rate(&fold.minutes, now),
        spark(&fold.minutes, now, curve(part), Tone::Bad),
        Ink::of(Tone::Muted, day_clock(fold.last, &part.look.zone, now)),
        Ink::of(Tone::Plain, whose(fold)).cut(28),
        Ink::of(Tone::Plain, rows::message(fold)),
    ];
    if recent { cells } else { cells.into_iter().map(|cell| cell.all(Tone::Muted)).collect() }
}
