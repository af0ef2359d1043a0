//! Lines by time: all of them, those that tell of failures, and where the visible ones are.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;

use crate::{
    observation::Wall,
    session::{
        figures::{count, day_clock},
        layout::Area,
        logs::Logs,
        page::Tone,
    },
    tui::ink::Ink,
};

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Minutes that one column may stand for.
const STEPS: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 240, 720, 1_440, 10_080];
/// Columns of the names.
const LABEL: u16 = 10;
const MINUTE: i64 = 60_000_000;

/// Draws three rows: lines, errors, and the axis with the visible window.
pub(crate) fn histogram(
    buf: &mut Buffer,
    area: Area,
    logs: &Logs,
    (first, visible): (usize, usize),
    zone: &TimeZone,
    now: Wall,
) {
    let rows = &logs.rows;
    let minutes = rows.minutes();
    let ends = minutes.first_key_value().zip(minutes.last_key_value());
    let Some(((from, _), (to, _))) = ends.filter(|_| area.height >= 3) else { return };
    let (names, place) = area.split_left(LABEL, 0);
    // The figure at the end says what the highest column stands for.
    let (place, scale) = place.split_left(place.width.saturating_sub(12), 1);
    let width = i64::from(place.width.max(1));
    let (from, to) = (*from, *to);
    let fits = |step: &&i64| to.saturating_sub(from) / **step < width;
    let step = STEPS.iter().find(fits).copied().unwrap_or((to - from) / width + 1);
    // The newest minute stands at the right end, so that the picture does not jump as time goes on.
    let start = to.saturating_sub(step * (width - 1));
    let start = start.div_euclid(step) * step + if start.rem_euclid(step) == 0 { 0 } else { step };
    let column = |minute: i64| (minute.saturating_sub(start)).div_euclid(step);
    let mut sums = vec![(0_u64, 0_u64); usize::from(place.width)];
    for (minute, (all, errors)) in minutes {
        let at = usize::try_from(column(*minute).max(0)).unwrap_or(usize::MAX);
        if let Some(sum) = sums.get_mut(at) {
            sum.0 += u64::from(*all);
            sum.1 += u64::from(*errors);
        }
    }
    let most = sums.iter().map(|sum| sum.0).max().unwrap_or(0);
    let worst = sums.iter().map(|sum| sum.1).max().unwrap_or(0);
    let per = if step == 1 { "/min".to_owned() } else { format!("/{}", per(step)) };
    for (y, name, most, tone, of) in
        [(0, "  lines", most, Tone::Plain, 0), (1, "  errors", worst, Tone::Bad, 1)]
    {
        Ink::of(Tone::Muted, name).draw(buf, names, y);
        let values = sums.iter().map(|sum| if of == 0 { sum.0 } else { sum.1 });
        curve(values, most, tone).draw(buf, place, y);
        let top = Ink::of(Tone::Muted, format!("{}{per}", count(most)));
        top.cut(usize::from(scale.width)).draw(buf, scale, y);
    }
    let minute_at = |at: usize| rows.get(at).map(|row| column(row.key.order.0.div_euclid(MINUTE)));
    let window = minute_at(first).zip(minute_at((first + visible).saturating_sub(1)));
    axis(place.width, window).draw(buf, place, 2);
    let clock = |minute: i64| day_clock(Wall(minute.saturating_mul(MINUTE)), zone, now);
    let short =
        |text: String| text.get(..text.len().saturating_sub(3)).unwrap_or_default().to_owned();
    let left = short(clock(start));
    Ink::of(Tone::Muted, format!("{left:>9} ")).cut(usize::from(LABEL)).draw(buf, names, 2);
    Ink::of(Tone::Muted, short(clock(to))).draw(buf, scale, 2);
}

fn per(step: i64) -> String {
    match step {
        0..60 => format!("{step} min"),
        60..1_440 => format!("{} h", step / 60),
        _ => format!("{} d", step / 1_440),
    }
}

fn curve(values: impl Iterator<Item = u64>, most: u64, tone: Tone) -> Ink {
    let mut ink = Ink::new();
    for n in values {
        let level = if n == 0 { 0 } else { 1 + n.saturating_mul(6) / most.max(1) };
        let symbol = usize::try_from(level).ok().and_then(|level| LEVELS.get(level));
        let tone = if n == 0 { Tone::Muted } else { tone };
        ink = ink.put(tone, symbol.copied().unwrap_or('█').to_string());
    }
    ink
}

/// A thin line, thick where the visible lines are.
fn axis(width: u16, window: Option<(i64, i64)>) -> Ink {
    let inside = |x: i64| window.is_some_and(|(from, to)| from <= x && x <= to);
    (0..i64::from(width)).fold(Ink::new(), |ink, x| {
        if inside(x) { ink.put(Tone::Accent, "━") } else { ink.put(Tone::Muted, "─") }
    })
}
