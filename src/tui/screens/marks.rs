//! The list of the timeline: what happened, in the order of time.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        Pane, RowKey,
        figures::{ago, day_clock, localised},
        page::Tone,
        timeline::{Mark, marks},
    },
    tui::{
        ink::Ink,
        widgets::{Column, table},
    },
};

use super::Part;

const COLUMNS: [Column; 6] = [
    Column::new(8, 0),
    Column::new(8, 4).right(),
    Column::new(1, 0),
    Column::new(13, 1),
    Column::new(36, 0).grows(),
    Column::new(8, 3),
];

/// Draws the visible rows.
pub(crate) fn rows(buf: &mut Buffer, part: &Part<'_>) {
    let list = part.list(Pane::Timeline);
    let all = marks(part.shown);
    let visible = list.visible(part.keys).iter();
    let cells = visible
        .map(|key| {
            let mark = all.list.iter().find(|mark| RowKey::Mark(mark.key()) == *key);
            mark.map_or_else(|| vec![Ink::new(); COLUMNS.len()], |mark| cells(part, mark))
        })
        .collect();
    let lines = table(cells, &COLUMNS, part.width());
    part.rows(buf, list, &lines, "nothing happened in this span that can be seen: - shows more");
}

fn cells(part: &Part<'_>, mark: &Mark) -> Vec<Ink> {
    let now = part.shown.case.now.wall;
    let tone = mark.kind.tone();
    let what = localised(&mark.what, &part.look.zone, now);
    let cells = vec![
        Ink::of(Tone::Plain, day_clock(mark.at, &part.look.zone, now)),
        Ink::of(Tone::Muted, ago(mark.at, now)),
        Ink::of(tone, mark.kind.shape()),
        Ink::of(tone, mark.kind.word()),
        Ink::of(Tone::Plain, what),
        Ink::of(Tone::Muted, mark.source),
    ];
    if mark.needed { cells } else { cells.into_iter().map(|cell| cell.all(Tone::Muted)).collect() }
}

/// What the span holds, and what lies outside it.
pub(super) fn summary(part: &Part<'_>) -> Ink {
    let all = marks(part.shown);
    let mut ink = Ink::of(Tone::Plain, format!("{} moments", all.list.len()));
    if all.cut > 0 {
        ink = ink.put(Tone::Warn, format!(", {} older ones cut", all.cut));
    }
    if all.earlier > 0 {
        ink = ink.put(Tone::Muted, format!(", {} earlier: -", all.earlier));
    }
    ink
}
