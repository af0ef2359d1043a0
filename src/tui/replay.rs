//! The time of a recording: how it stood along the way, and where one stands.

use ratatui::buffer::Buffer;

use crate::{
    diagnosis::Status,
    session::{
        figures::{count, span},
        layout::Area,
        page::Tone,
        replay::{Axis, Stretch},
    },
};

use super::{Snapshot, header::fit, ink::Ink};

/// Draws the axis into one or two rows.
pub(super) fn draw(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let Some(axis) = &snapshot.model.replay else { return };
    let width = usize::from(area.width);
    match area.height {
        0 => {}
        1 => {
            let head = mode(axis).put(Tone::Plain, " ");
            let tail = if axis.lost.words.is_empty() { Ink::new() } else { lost(axis, true) };
            let room = width.saturating_sub(head.width() + tail.width() + 1);
            head.then(strip(axis, room)).then(tail).cut(width).draw(buf, area, 0);
        }
        _ => {
            let line = Ink::of(Tone::Plain, " ").then(strip(axis, width.saturating_sub(2)));
            line.cut(width).draw(buf, area, 0);
            words(axis, width).draw(buf, area, 1);
        }
    }
}

/// Whether it plays and how fast.
fn mode(axis: &Axis) -> Ink {
    let (tone, state) =
        if axis.playing { (Tone::Good, " ▶ playing") } else { (Tone::Accent, " ‖ paused") };
    Ink::of(tone, state).put(Tone::Strong, format!(" {}", axis.speed.words()))
}

/// The state along the time; where one stands is marked.
fn strip(axis: &Axis, columns: usize) -> Ink {
    let here = axis.column(axis.at, columns);
    let mut line = Ink::new();
    let mut part = String::new();
    let mut of = Tone::Muted;
    for (at, stretch) in axis.stretches(columns).iter().enumerate() {
        let (tone, shape) = if at == here { (Tone::Accent, '▼') } else { shape(*stretch) };
        if tone != of {
            line = line.put(of, std::mem::take(&mut part));
            of = tone;
        }
        part.push(shape);
    }
    line.put(of, part)
}

/// Every state has a height of its own, so that it is told without colour.
const fn shape(stretch: Stretch) -> (Tone, char) {
    if stretch.deed {
        return (Tone::Accent, '◆');
    }
    if stretch.first {
        return (Tone::Bad, '!');
    }
    match stretch.status {
        Some(Status::Failing) if stretch.changes => (Tone::Bad, '▆'),
        Some(Status::Failing) => (Tone::Bad, '█'),
        Some(Status::Degraded) => (Tone::Warn, '▃'),
        Some(Status::Healthy) if stretch.changes => (Tone::Good, '┊'),
        Some(Status::Healthy) => (Tone::Good, '▁'),
        Some(Status::Unknown) => (Tone::Muted, '·'),
        None => (Tone::Muted, ' '),
    }
}

fn words(axis: &Axis, width: usize) -> Ink {
    let mut parts = vec![(1, mode(axis))];
    let mut put = |rank, ink| parts.push((rank, ink));
    if !axis.lost.words.is_empty() {
        put(1, lost(axis, width < 80));
    }
    let place = Ink::of(Tone::Plain, length(axis.at)).put(Tone::Muted, " of ");
    put(2, place.put(Tone::Plain, length(axis.end)));
    if axis.read < 100 || !axis.seeks.is_empty() {
        let seeks = if axis.seeks.is_empty() { "reading" } else { axis.seeks };
        put(2, Ink::of(Tone::Accent, format!("{seeks}, {} % read", axis.read)));
    }
    if axis.grows {
        put(3, Ink::of(Tone::Good, "still recorded"));
    }
    if axis.composed {
        put(3, Ink::of(Tone::Warn, "composed by hand: it never happened"));
    }
    if let Some(next) = axis.next_change() {
        let secs = length(next.at.saturating_sub(axis.at));
        let to = next.cause.unwrap_or(next.status.as_str());
        put(4, Ink::of(Tone::Muted, format!("in {secs}: {to}")));
    }
    if !axis.changes.is_empty() {
        let past = axis.changes.partition_point(|change| change.at <= axis.at) as u64;
        let all = axis.changes.len() as u64 + axis.more_changes;
        put(5, Ink::of(Tone::Muted, format!("change {} of {}", count(past), count(all))));
    }
    fit(parts, width)
}

/// What is missing of it.
fn lost(axis: &Axis, short: bool) -> Ink {
    let records = axis.lost.records;
    let words = match (short, records) {
        (false, _) => axis.lost.words.clone(),
        (true, 0) => "not whole".to_owned(),
        (true, n) => format!("{} lost", count(n)),
    };
    Ink::of(Tone::Warn, format!(" ✗ {words}"))
}

/// A part of the time; tenths of a second where seconds would say nothing.
fn length(micros: u64) -> String {
    let secs = micros / 1_000_000;
    if secs >= 10 {
        return span(i64::try_from(secs).unwrap_or(i64::MAX));
    }
    format!("{secs}.{} s", micros / 100_000 % 10)
}
