//! All logs in one order of time, the newest line at the bottom.

use jiff::tz::TimeZone;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use crate::{
    evidence::lines::{Kind, Level, Line, Lines},
    observation::Wall,
    session::{
        Pane,
        figures::{ago, count, day_clock},
        layout::Area,
        logs::{Areas, Logs, Pattern, Row, areas},
        page::Tone,
        rows,
    },
    tui::{
        Snapshot,
        ink::Ink,
        widgets::{Column, List, MARK, Title, list, table, title},
    },
};

use super::histogram::histogram;

/// Time, source, level or status, upstream, message.
const COLUMNS: [Column; 5] = [
    Column::new(8, 0),
    Column::new(6, 2),
    Column::new(7, 1),
    Column::new(15, 3),
    Column::new(36, 0).grows(),
];
/// Where less fits: time, and a message that begins with its mark.
const NARROW: [Column; 2] = [Column::new(8, 0), Column::new(12, 0).grows()];
const NARROW_WIDTH: u16 = 64;
/// Widest cell of a source and of an upstream.
const NAME: usize = 18;
const UPSTREAM: usize = 26;
/// Longest chip.
const CHIP: usize = 30;

/// Draws the view.
pub(crate) fn logs(buf: &mut Buffer, body: Area, snapshot: &Snapshot<'_>) {
    let shown = snapshot.model.shown();
    let logs = &snapshot.model.view.logs;
    let lines = &shown.case.lines;
    let areas = areas(body, logs.has_chips());
    let height = usize::from(areas.list.height);
    let first = logs.first(height);
    let visible = height.min(logs.rows.len().saturating_sub(first));
    let part = Part { logs, lines, zone: &snapshot.look.zone, now: shown.case.now.wall };
    title_line(buf, areas.title, snapshot, &part);
    chips(buf, areas.chips, logs);
    histogram(buf, areas.histogram, logs, (first, visible), part.zone, part.now);
    rows_of(buf, &areas, &part, first, visible, shown.is_looking());
}

struct Part<'a> {
    logs: &'a Logs,
    lines: &'a Lines,
    zone: &'a TimeZone,
    now: Wall,
}

fn title_line(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>, part: &Part<'_>) {
    let (logs, model) = (part.logs, snapshot.model);
    let held = model.view.held.is_some();
    let state = if held {
        Ink::of(Tone::Warn, format!("‖ held still · {} wait", count(model.lines_waiting())))
    } else if logs.is_following() {
        Ink::of(Tone::Good, "▶ following")
    } else {
        match logs.waiting {
            0 => Ink::of(Tone::Warn, "‖ paused"),
            n => Ink::of(Tone::Warn, format!("‖ paused · {} wait", count(n))),
        }
    };
    let mut parts = vec![state];
    if !logs.said.is_empty() {
        parts.push(Ink::of(Tone::Strong, &logs.said));
    } else if let Some(percent) = logs.progress(part.lines) {
        parts.push(Ink::of(Tone::Accent, format!("filtering… {percent} %")));
    }
    let mut lines = format!("{} lines", count(logs.rows.lines() as u64));
    if logs.folded {
        lines = format!("{lines} in {} rows", count(logs.rows.len() as u64));
    }
    parts.push(match logs.rows.errors() {
        0 => Ink::of(Tone::Muted, lines),
        n => Ink::of(Tone::Muted, format!("{lines}, "))
            .put(Tone::Bad, format!("{} errors", count(n as u64))),
    });
    if !logs.bookmarks.is_empty() {
        parts.push(Ink::of(Tone::Accent, format!("◆ {}", logs.bookmarks.len())));
    }
    // What fits, the most important first.
    let room = usize::from(area.width).saturating_sub(14);
    let mut summary = Ink::new();
    for part in parts {
        let gap = if summary.is_empty() { "" } else { " · " };
        let room = room.saturating_sub(summary.width() + gap.len());
        if summary.is_empty() || part.width() <= room || room > 16 {
            summary = summary.put(Tone::Muted, gap).then(part.cut(room));
        }
    }
    title(
        buf,
        area,
        Title {
            name: Ink::of(Tone::Accent, "Logs"),
            focused: true,
            summary,
            source: source(snapshot, part.now),
        },
    );
}

fn source(snapshot: &Snapshot<'_>, now: Wall) -> Ink {
    let shown = snapshot.model.shown();
    let blind = rows::blind(&shown, Pane::Errors).count();
    let newest =
        shown.case.lines.get(shown.case.lines.next().wrapping_sub(1)).map(|line| line.order);
    let age = newest
        .map_or_else(|| "nothing came yet".to_owned(), |at| format!("newest {}", ago(at, now)));
    let line = Ink::of(Tone::Muted, age);
    match blind {
        0 => line,
        n => line.put(Tone::Warn, format!(" · {n} out of sight: 0")),
    }
}

fn chips(buf: &mut Buffer, area: Area, logs: &Logs) {
    let mut line = Ink::of(Tone::Plain, " ");
    for filter in &logs.filters {
        let sign = if filter.out { "-" } else { "+" };
        let text = Ink::of(Tone::Strong, format!("{sign}{}", filter.pattern.source())).cut(CHIP);
        line = line.put(Tone::Muted, " [").then(text).put(Tone::Muted, "]");
    }
    if let Some(pattern) = &logs.search {
        let found = logs.rows.hits();
        let tone = if found == 0 { Tone::Bad } else { Tone::Plain };
        line = line
            .put(Tone::Accent, " /")
            .then(Ink::of(Tone::Accent, pattern.source()).cut(CHIP))
            .put(tone, format!(" {} found", count(found as u64)));
    }
    line.cut(usize::from(area.width)).draw(buf, area, 0);
}

fn rows_of(
    buf: &mut Buffer,
    areas: &Areas,
    part: &Part<'_>,
    first: usize,
    visible: usize,
    looking: bool,
) {
    let (logs, area) = (part.logs, areas.list);
    if logs.rows.is_empty() {
        let text = match (part.lines.is_empty(), logs.filters.is_empty()) {
            (false, false) if logs.progress(part.lines).is_none() => {
                "no line passes the filters; x removes the newest one"
            }
            (true, _) if looking => "looking…",
            (true, _) => "no log line has come yet; only failed requests are shown of access logs",
            _ => "",
        };
        Ink::of(Tone::Muted, format!("  {text}")).cut(usize::from(area.width)).draw(buf, area, 0);
        return;
    }
    let narrow = area.width < NARROW_WIDTH;
    let width = usize::from(area.width.saturating_sub(MARK));
    let shown: Vec<(&Row, Option<Line<'_>>)> = logs
        .rows
        .from(first)
        .take(visible)
        .map(|row| (row, logs.line(part.lines, row.key)))
        .collect();
    let cells = shown.iter().map(|(row, line)| match line {
        Some(line) if narrow => narrow_cells(line, row.times, part, width),
        Some(line) => cells(line, row.times, part, width),
        None => vec![Ink::of(Tone::Muted, "gone")],
    });
    let columns: &[Column] = if narrow { &NARROW } else { &COLUMNS };
    let lines = table(cells.collect(), columns, width);
    let selected = logs.position();
    list(buf, area, List { first, visible, selected }, &lines, !logs.is_following());
    for ((row, _), y) in shown.iter().zip(0..area.height) {
        if logs.bookmarks.contains_key(&row.key) {
            let (_, place) = area.split_left(1, 0);
            Ink::of(Tone::Accent, "◆").draw(buf, place, y);
        }
        if let Some(pattern) = logs.search.as_ref().filter(|_| row.hit) {
            mark(buf, area, y, pattern);
        }
    }
}

fn state(line: &Line<'_>) -> (Tone, &'static str) {
    match (line.kind, line.level) {
        (Kind::Gap, _) => (Tone::Warn, "…"),
        (_, Level::Crit | Level::Error) => (Tone::Bad, "✗"),
        (_, Level::Warn) => (Tone::Warn, "◐"),
        (_, Level::Unknown | Level::Debug) => (Tone::Muted, " "),
        _ => (Tone::Plain, " "),
    }
}

fn word(line: &Line<'_>) -> String {
    match line.kind {
        Kind::Request => line.status.to_string(),
        Kind::Gap => "lost".to_owned(),
        _ => line.level.as_str().to_owned(),
    }
}

/// An address; of a socket in the file system only its name, which is what tells it from others.
fn upstream(address: &str) -> &str {
    let path = address.strip_prefix("unix:").filter(|path| !path.contains(','));
    path.and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty()).unwrap_or(address)
}

fn clock(line: &Line<'_>, part: &Part<'_>) -> Ink {
    Ink::of(Tone::Muted, day_clock(line.at, part.zone, part.now))
}

/// No more of a message is made safe for the screen than the screen shows.
fn message(text: &str, width: usize) -> &str {
    // One character more than fits, so that the cut is seen; others than ASCII may take no column.
    let ascii = text.get(..=width).filter(|head| head.is_ascii());
    if let Some(head) = ascii {
        return head;
    }
    let most = width.saturating_mul(8).max(256);
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// How many lines a row stands for, where it is more than one.
fn times(n: u32) -> Ink {
    if n > 1 { Ink::of(Tone::Strong, format!("×{} ", count(n.into()))) } else { Ink::new() }
}

fn cells(line: &Line<'_>, n: u32, part: &Part<'_>, width: usize) -> Vec<Ink> {
    let (tone, sign) = state(line);
    let text = if line.kind == Kind::Gap || line.level.is_error() { Tone::Plain } else { tone };
    let text = if line.level == Level::Warn { Tone::Plain } else { text };
    let said = message(line.headline(), width);
    vec![
        clock(line, part),
        Ink::of(Tone::Plain, &line.source.name).cut(NAME),
        Ink::of(tone, format!("{sign} {}", word(line))),
        Ink::of(Tone::Plain, upstream(line.upstream)).cut(UPSTREAM),
        times(n).put(if tone == Tone::Muted { Tone::Plain } else { text }, said),
    ]
}

fn narrow_cells(line: &Line<'_>, n: u32, part: &Part<'_>, width: usize) -> Vec<Ink> {
    let (tone, sign) = state(line);
    let status =
        if line.kind == Kind::Request { format!("{} ", line.status) } else { String::new() };
    let text = Ink::of(tone, format!("{sign} {status}"))
        .then(times(n))
        .put(Tone::Plain, message(line.headline(), width));
    vec![clock(line, part), text]
}

/// Marks what is searched for in a row that was drawn.
fn mark(buf: &mut Buffer, area: Area, y: u16, pattern: &Pattern) {
    let (_, text_area) = area.split_left(MARK, 0);
    let row = text_area.y.saturating_add(y);
    let mut text = String::new();
    let mut starts = Vec::new();
    for x in text_area.x..text_area.x.saturating_add(text_area.width) {
        if let Some(cell) = buf.cell((x, row)) {
            starts.push((text.len(), x));
            text.push_str(cell.symbol());
        }
    }
    let style = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    for span in pattern.spans(&text) {
        for (_, x) in starts.iter().filter(|(start, _)| span.contains(start)) {
            buf.set_style(Rect::new(*x, row, 1, 1).intersection(buf.area), style);
        }
    }
}
