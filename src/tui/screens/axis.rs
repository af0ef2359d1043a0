//! The axis of the timeline: failed requests by minute as bars, and below them what happened.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        RowKey, Shown,
        figures::{count, day_clock},
        layout::Area,
        page::Tone,
        timeline::{Columns, Mark, Marks, columns, known_since, marks, ticks},
    },
    tui::{
        Look, Snapshot,
        ink::Ink,
        widgets::{self, LEVELS, Title},
    },
};

/// Columns of the figures on the left.
const FIGURES: u16 = 8;

/// Draws it; the selected row is pointed at.
pub(super) fn axis(buf: &mut Buffer, area: Area, key: Option<&RowKey>, snapshot: &Snapshot<'_>) {
    let shown = snapshot.model.shown();
    let (title, rest) = area.split_top(1);
    let figures = if area.width < 60 { 6 } else { FIGURES };
    let (_, plot) = rest.split_left(figures, 0);
    let (plot, _) = plot.split_left(plot.width.saturating_sub(1), 0);
    let all = marks(&shown);
    let cols = columns(&shown, all.window, usize::from(plot.width));
    head(buf, title, &shown, (&all, &cols), snapshot.look);
    let since = rest.height >= 9;
    let (bars, below) = plot.split_top(rest.height.saturating_sub(3 + u16::from(since)));
    draw_bars(buf, bars, &cols, figures);
    let selected = all.list.iter().find(|mark| key == Some(&RowKey::Mark(mark.key())));
    let pointed = selected.and_then(|mark| cols.of(mark.at));
    rule(usize::from(plot.width), pointed).draw(buf, below, 0);
    shapes(&all.list, &cols, selected).draw(buf, below, 1);
    let ticks = ticks(all.window, usize::from(plot.width), &snapshot.look.zone);
    clock(usize::from(plot.width), &ticks).draw(buf, below, 2);
    if since {
        let (_, line) = rest.split_top(rest.height - 1);
        let (_, line) = line.split_left(2, 0);
        seen(&shown, &cols, snapshot.look).cut(usize::from(line.width)).draw(buf, line, 0);
    }
}

fn head(
    buf: &mut Buffer,
    area: Area,
    shown: &Shown<'_>,
    (all, cols): (&Marks, &Columns),
    look: &Look,
) {
    let name = Ink::of(Tone::Strong, "Failed requests per minute");
    let peak = match cols.peak {
        0 => Ink::of(Tone::Good, "none in this span"),
        n => Ink::of(Tone::Bad, format!("{} at most", count(n.into()))),
    };
    let now = shown.case.now.wall;
    let from = day_clock(all.window.from, &look.zone, now);
    let span = Ink::of(Tone::Accent, format!("{} ", shown.zoom.words()))
        .put(Tone::Muted, format!("since {from} · + - f"));
    widgets::title(buf, area, Title { name, summary: peak, source: span, ..Title::default() });
}

/// Bars of several rows; a column of which nothing is known is a dot.
fn draw_bars(buf: &mut Buffer, area: Area, cols: &Columns, figures: u16) {
    let rows = usize::from(area.height);
    let eighths = rows * LEVELS.len();
    for y in 0..area.height {
        let floor = (rows - 1 - usize::from(y)) * LEVELS.len();
        let mut line = Ink::new();
        let (mut part, mut of) = (String::new(), Tone::Muted);
        for failed in &cols.failed {
            let tall = match failed {
                Some(n) if *n > 0 => {
                    (*n as usize * eighths).div_ceil(cols.peak.max(1) as usize).max(1)
                }
                _ => 0,
            };
            let (tone, symbol) = match (tall.saturating_sub(floor), failed) {
                (0, None) if floor == 0 => (Tone::Muted, '·'),
                (0, _) => (Tone::Muted, ' '),
                (n, _) => (Tone::Bad, LEVELS.get(n - 1).copied().unwrap_or('█')),
            };
            if tone != of {
                line = line.put(of, std::mem::take(&mut part));
                of = tone;
            }
            part.push(symbol);
        }
        line.put(of, part).draw(buf, area, y);
        let figure = match (y, cols.peak) {
            (0, n) if n > 0 => count(n.into()),
            _ => String::new(),
        };
        let left = Area { x: area.x.saturating_sub(figures), width: figures, ..area };
        let figure = Ink::of(Tone::Muted, figure).pad_left(usize::from(figures).saturating_sub(2));
        figure.put(Tone::Muted, " │").draw(buf, left, y);
    }
    let left = Area {
        x: area.x.saturating_sub(figures),
        width: figures,
        height: 1,
        y: area.y + area.height,
    };
    Ink::of(Tone::Muted, "0")
        .pad_left(usize::from(figures).saturating_sub(2))
        .put(Tone::Muted, " └")
        .draw(buf, left, 0);
}

fn rule(width: usize, pointed: Option<usize>) -> Ink {
    match pointed {
        Some(at) => Ink::of(Tone::Muted, "─".repeat(at))
            .put(Tone::Accent, "▼")
            .put(Tone::Muted, "─".repeat(width.saturating_sub(at + 1))),
        None => Ink::of(Tone::Muted, "─".repeat(width)),
    }
}

/// The shapes at their columns; where several fall together, the one that matters most.
fn shapes(list: &[Mark], cols: &Columns, selected: Option<&Mark>) -> Ink {
    let mut at: Vec<Option<&Mark>> = vec![None; cols.failed.len()];
    for mark in list {
        let Some(cell) = cols.of(mark.at).and_then(|column| at.get_mut(column)) else { continue };
        let rank = |mark: &Mark| (!mark.needed, mark.kind);
        let stays = cell.is_some_and(|old| Some(old) == selected || rank(old) <= rank(mark));
        if !stays || Some(mark) == selected {
            *cell = Some(mark);
        }
    }
    at.into_iter().fold(Ink::new(), |line, mark| match mark {
        Some(mark) if mark.needed => line.put(mark.kind.tone(), mark.kind.shape()),
        Some(mark) => line.put(Tone::Muted, mark.kind.shape()),
        None => line.put(Tone::Plain, " "),
    })
}

fn clock(width: usize, ticks: &[(usize, String)]) -> Ink {
    let mut line = String::new();
    for (column, text) in ticks {
        // The label stands below its time, not behind it.
        let begin = column.saturating_sub(text.len() / 2);
        if begin < line.len() + usize::from(!line.is_empty()) || begin + text.len() > width {
            continue;
        }
        line.push_str(&" ".repeat(begin - line.len()));
        line.push_str(text);
    }
    Ink::of(Tone::Muted, line)
}

/// Since when what can be seen.
fn seen(shown: &Shown<'_>, cols: &Columns, look: &Look) -> Ink {
    let now = shown.case.now.wall;
    let clock = |at| day_clock(at, &look.zone, now);
    let unknown = cols.failed.iter().any(Option::is_none);
    let mut line = Ink::of(Tone::Muted, if unknown { "· not known  " } else { "" });
    if let Some(at) = known_since(shown) {
        line = line.put(Tone::Muted, format!("requests are known since {}", clock(at)));
    }
    if let Some(began) = shown.case.began {
        let text = format!(", events of containers and lost lines since {}", clock(began.wall));
        line = line.put(Tone::Muted, text);
    }
    line
}
