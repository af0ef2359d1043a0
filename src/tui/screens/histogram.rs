//! Lines by time: all of them, those that tell of failures, and where the visible ones are.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;

use crate::{
    observation::Wall,
    session::{
        figures::{count, day_clock},
        layout::Area,
        logs::{Logs, SLICE_SECS, slice_of},
        page::Tone,
    },
    tui::ink::Ink,
};

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Slices that one column may stand for.
const STEPS: [i64; 13] = [1, 3, 6, 12, 30, 60, 90, 180, 360, 720, 1_440, 4_320, 8_640];
/// Columns of the names, and of the figures.
const LABEL: u16 = 12;
const FIGURES: u16 = 12;

/// What the columns stand for: the number of the first one's slice, and slices in each.
#[derive(Clone, Copy, Debug)]
struct Axis {
    start: i64,
    step: i64,
}

impl Axis {
    /// The finest that reaches from the newest line back to the first visible one, and to nine of
    /// ten lines: a few old ones must not squeeze the incident into a corner.
    fn new(logs: &Logs, first: usize, width: i64) -> Option<Self> {
        let rows = &logs.rows;
        let at = |index: usize| rows.get(index).map(|row| slice_of(row.key.order));
        let to = slice_of(rows.last()?.key.order);
        let from = at(first)?.min(at(rows.len() / 10)?);
        let fits = |step: &&i64| to.div_euclid(**step) - from.div_euclid(**step) < width;
        let step = STEPS.iter().find(fits).copied().unwrap_or_else(|| (to - from) / width + 1);
        // The newest stands at the right end.
        Some(Self { start: (to.div_euclid(step) - (width - 1)) * step, step })
    }

    fn column(self, at: Wall) -> i64 {
        self.of(slice_of(at))
    }

    const fn of(self, slice: i64) -> i64 {
        slice.saturating_sub(self.start).div_euclid(self.step)
    }
}

/// Draws three rows: lines, errors, and the axis with the visible window.
pub(crate) fn histogram(
    buf: &mut Buffer,
    area: Area,
    logs: &Logs,
    (first, visible): (usize, usize),
    zone: &TimeZone,
    now: Wall,
) {
    if area.height < 3 {
        return;
    }
    let (names, place) = area.split_left(LABEL, 0);
    let (place, figures) = place.split_left(place.width.saturating_sub(FIGURES), 1);
    let Some(axis) = Axis::new(logs, first, i64::from(place.width.max(1))) else { return };
    let mut sums = vec![(0_u64, 0_u64); usize::from(place.width)];
    let mut older = false;
    for (slice, (all, errors)) in logs.rows.slices() {
        let at = usize::try_from(axis.of(*slice)).ok();
        older |= at.is_none();
        if let Some(sum) = at.and_then(|at| sums.get_mut(at)) {
            sum.0 += u64::from(*all);
            sum.1 += u64::from(*errors);
        }
    }
    let lines = sums.iter().map(|sum| sum.0).collect();
    let errors = sums.iter().map(|sum| sum.1).collect();
    let drawn: [(u16, &str, Vec<u64>, Tone); 2] =
        [(0, "  lines", lines, Tone::Plain), (1, "  errors", errors, Tone::Bad)];
    for (y, name, values, tone) in drawn {
        let most = values.iter().copied().max().unwrap_or(0);
        Ink::of(Tone::Muted, name).draw(buf, names, y);
        curve(&values, most, tone).draw(buf, place, y);
        let figure = format!("{}/{}", count(most), per(axis.step * SLICE_SECS));
        Ink::of(Tone::Muted, figure).cut(usize::from(figures.width)).draw(buf, figures, y);
    }
    let at = |index: usize| logs.rows.get(index).map(|row| axis.column(row.key.order));
    let window = at(first).zip(at((first + visible).saturating_sub(1)));
    line(place.width, window).draw(buf, place, 2);
    let clock = |at: Wall| {
        let text = day_clock(at, zone, now);
        text.get(..text.len().saturating_sub(3)).unwrap_or_default().to_owned()
    };
    // Older lines are left of what is drawn.
    let start = Wall::from_secs(axis.start.saturating_mul(SLICE_SECS));
    let begin = format!("{}{}", if older { "‹" } else { "" }, clock(start));
    Ink::of(Tone::Muted, format!("{begin:>11} ")).draw(buf, names, 2);
    let end = logs.rows.last().map(|row| clock(row.key.order)).unwrap_or_default();
    Ink::of(Tone::Muted, end).draw(buf, figures, 2);
}

fn per(secs: i64) -> String {
    match secs {
        i64::MIN..60 => format!("{secs} s"),
        60 => "min".to_owned(),
        61..3_600 => format!("{} min", secs / 60),
        3_600..86_400 => format!("{} h", secs / 3_600),
        _ => format!("{} d", secs / 86_400),
    }
}

fn curve(values: &[u64], most: u64, tone: Tone) -> Ink {
    let mut ink = Ink::new();
    for n in values.iter().copied() {
        let level = if n == 0 { 0 } else { 1 + n.saturating_mul(6) / most.max(1) };
        let symbol = usize::try_from(level).ok().and_then(|level| LEVELS.get(level));
        let tone = if n == 0 { Tone::Muted } else { tone };
        ink = ink.put(tone, symbol.copied().unwrap_or('█').to_string());
    }
    ink
}

/// A thin line, thick where the visible lines are.
fn line(width: u16, window: Option<(i64, i64)>) -> Ink {
    let inside = |x: i64| window.is_some_and(|(from, to)| from <= x && x <= to);
    (0..i64::from(width)).fold(Ink::new(), |ink, x| {
        if inside(x) { ink.put(Tone::Accent, "━") } else { ink.put(Tone::Muted, "─") }
    })
}
