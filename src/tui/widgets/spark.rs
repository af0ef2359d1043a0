//! A small curve of counts by minute.

use std::collections::BTreeMap;

use crate::{observation::Wall, session::page::Tone, tui::ink::Ink};

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve of the last `width` minutes up to `now`. Minutes without anything are a thin line.
pub(crate) fn spark(minutes: &BTreeMap<i64, u32>, now: Wall, width: usize, tone: Tone) -> Ink {
    let last = now.0.div_euclid(60_000_000);
    let from = last.saturating_sub(i64::try_from(width).unwrap_or(0)).saturating_add(1);
    let most = minutes.range(from..=last).map(|(_, n)| *n).max().unwrap_or(0);
    let mut ink = Ink::new();
    let mut part = String::new();
    let mut of = Tone::Muted;
    for minute in from..=last {
        let n = minutes.get(&minute).copied().unwrap_or(0);
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
