//! A small curve of counts by minute.

use std::collections::BTreeMap;

use crate::{observation::Wall, session::page::Tone, tui::ink::Ink};

/// Heights of a bar within one cell, in eighths.
pub(crate) const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve of the last 30 minutes up to `now`, in 30 columns or in 15 of two minutes each. Times
/// without anything are a thin line.
pub(crate) fn spark(minutes: &BTreeMap<i64, u32>, now: Wall, width: usize, tone: Tone) -> Ink {
    const SPAN: usize = 30;
    let each = i64::try_from((SPAN / width.max(1)).max(1)).unwrap_or(1);
    let last = now.0.div_euclid(60_000_000);
    let columns = i64::try_from(width).unwrap_or(0);
    let starts = (0..columns).rev().map(|n| last.saturating_sub((n + 1) * each - 1));
    let sums: Vec<u32> = starts
        .map(|from| {
            let part = minutes.range(from..from.saturating_add(each));
            part.map(|(_, n)| *n).fold(0, u32::saturating_add)
        })
        .collect();
    let most = sums.iter().copied().max().unwrap_or(0);
    let mut ink = Ink::new();
    let mut part = String::new();
    let mut of = Tone::Muted;
    for n in sums {
        let level = if n == 0 { 0 } else { 1 + u64::from(n) * 6 / u64::from(most.max(1)) };
        let next = if n == 0 { Tone::Muted } else { tone };
        if next != of {
            ink = ink.put(of, std::mem::take(&mut part));
            of = next;
        }
        part.push(usize::try_from(level).ok().and_then(|l| LEVELS.get(l)).copied().unwrap_or('█'));
    }
    ink.put(of, part)
}

/// The newest rate per minute: the last whole minute, or the present one when it has more.
pub(crate) fn per_minute(minutes: &BTreeMap<i64, u32>, now: Wall) -> u32 {
    let minute = now.0.div_euclid(60_000_000);
    let of = |m: i64| minutes.get(&m).copied().unwrap_or(0);
    of(minute).max(of(minute.saturating_sub(1)))
}

/// A curve of the newest values in so many columns, between the smallest and the greatest of them;
/// what changes by less than a tenth of `whole`, or of the greatest, is drawn flat.
pub(crate) fn levels(
    values: impl DoubleEndedIterator<Item = u64>,
    whole: Option<u64>,
    width: usize,
) -> Ink {
    let mut all: Vec<u64> = values.rev().take(SAMPLES).collect();
    all.reverse();
    let each = all.len().div_ceil(width.max(1)).max(1);
    let tops: Vec<u64> = all.chunks(each).filter_map(|part| part.iter().max().copied()).collect();
    let (Some(least), Some(most)) = (tops.iter().min(), tops.iter().max()) else {
        return Ink::new();
    };
    let range = (most - least).max(whole.unwrap_or(*most) / 10).max(1);
    let level = |value: &u64| {
        let at = u128::from(value - least) * (LEVELS.len() as u128 - 1) / u128::from(range);
        usize::try_from(at).ok().and_then(|at| LEVELS.get(at)).copied().unwrap_or('█')
    };
    let tone = if (most - least) * 10 > whole.unwrap_or(*most) { Tone::Warn } else { Tone::Muted };
    Ink::of(tone, tops.iter().map(level).collect::<String>())
}

/// Values of a curve.
const SAMPLES: usize = 60;
