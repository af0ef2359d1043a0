//! A bar that shows a share of a whole.

use crate::{session::page::Tone, tui::ink::Ink};

/// A share of which tone it is: below 80 % in order, from 95 % bad.
pub(crate) fn tone(part: u64, whole: u64) -> Tone {
    let share = u128::from(part) * 100 / u128::from(whole.max(1));
    match share {
        0..80 => Tone::Good,
        80..95 => Tone::Warn,
        _ => Tone::Bad,
    }
}

/// A bar of so many columns.
pub(crate) fn bar(part: u64, whole: u64, width: usize) -> Ink {
    let full = u128::from(part.min(whole)) * width as u128 / u128::from(whole.max(1));
    let full = usize::try_from(full).unwrap_or(width).min(width);
    let full = if part > 0 { full.max(1.min(width)) } else { full };
    Ink::of(tone(part, whole), "█".repeat(full)).put(Tone::Muted, "░".repeat(width - full))
}
