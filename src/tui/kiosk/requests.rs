//! The page of failed requests: an hour in bars, and which requests they are.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        figures::count,
        kiosk::Mask,
        layout::Area,
        page::Tone,
        requests::{by_minute, kinds, words},
    },
    tui::{Snapshot, ink::Ink, widgets::per_minute},
};

/// Minutes that are shown.
const MINUTES: i64 = 60;

/// Draws the page.
pub(super) fn requests(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let shown = snapshot.model.shown();
    let now = shown.case.now.wall;
    let minutes = by_minute(&shown);
    let mask = Mask::new(&shown);
    let kinds = kinds(&shown);
    let listed = u16::try_from(kinds.len().min(8)).unwrap_or(0).min(area.height / 3);
    let (chart, list) = area.split_bottom(listed.saturating_add(u16::from(listed > 0)));
    let (head, bars) = chart.split_top(1);
    let rate = count(per_minute(&minutes, now).into());
    Ink::of(Tone::Strong, rate)
        .put(Tone::Plain, " failed requests a minute now; the last hour:")
        .cut(usize::from(head.width))
        .draw(buf, head, 0);
    draw_bars(buf, bars, &counts(&minutes, now.0.div_euclid(60_000_000)));
    let (_, list) = list.split_top(1);
    for (kind, y) in kinds.iter().zip(0..list.height) {
        Ink::of(Tone::Bad, format!("{:>6}  ", count(kind.count as u64)))
            .put(Tone::Plain, mask.text(&words(kind.newest)))
            .cut(usize::from(list.width))
            .draw(buf, list, y);
    }
}

/// The counts of the last minutes, the oldest first.
fn counts(minutes: &std::collections::BTreeMap<i64, u32>, last: i64) -> Vec<u32> {
    let from = last - MINUTES + 1;
    (from..=last).map(|minute| minutes.get(&minute).copied().unwrap_or(0)).collect()
}

/// Bars as high as the area, each as wide as there is room, above a line of the time.
fn draw_bars(buf: &mut Buffer, area: Area, counts: &[u32]) {
    const PARTS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let (bars, axis) = area.split_bottom(1);
    let scale = 6;
    let room = usize::from(bars.width.saturating_sub(scale));
    if room == 0 || bars.height == 0 {
        return;
    }
    // Where not every minute has a column, several share one and the highest of them counts.
    let each = counts.len().div_ceil(room).max(1);
    let wide = (room * each / counts.len().max(1)).max(1);
    let columns: Vec<u32> =
        counts.rchunks(each).rev().map(|part| part.iter().copied().max().unwrap_or(0)).collect();
    let most = columns.iter().copied().max().unwrap_or(0).max(1);
    let eighths = u64::from(bars.height) * 8;
    for y in 0..bars.height {
        let below = u64::from(bars.height - 1 - y) * 8;
        let label = if y == 0 { count(most.into()) } else { String::new() };
        let mut line = Ink::of(Tone::Muted, format!("{label:>4}  "));
        for n in &columns {
            let level = (u64::from(*n) * eighths).div_ceil(u64::from(most));
            let part = level.saturating_sub(below).min(8);
            let part = usize::try_from(part).unwrap_or(8);
            let symbol = part.checked_sub(1).and_then(|at| PARTS.get(at)).copied().unwrap_or(" ");
            line = line.put(Tone::Bad, symbol.repeat(wide));
        }
        line.draw(buf, bars, y);
    }
    let across = columns.len() * wide;
    let left = format!("{:>6}", "") + &format!("{MINUTES} min ago");
    let line = Ink::of(Tone::Muted, left).pad((across + 6).saturating_sub(3));
    line.put(Tone::Muted, "now").cut(usize::from(axis.width)).draw(buf, axis, 0);
}
