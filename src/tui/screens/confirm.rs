//! The question: the page of the repair, and below it, where no text from outside reaches, what the
//! keys do.

use ratatui::buffer::Buffer;

use crate::{
    session::{Layer, details, layout::Area, page::Tone},
    tui::{Snapshot, ink::Ink},
};

use super::page;

/// Draws the question over an area.
pub(crate) fn confirm(buf: &mut Buffer, area: Area, layer: &Layer, snapshot: &Snapshot<'_>) {
    let (text, below) = area.split_bottom(2);
    page(buf, text, layer, snapshot);
    let Some(run) = snapshot.model.recovery.run.as_ref() else { return };
    let width = usize::from(area.width);
    let rule = "━".repeat(width);
    Ink::of(Tone::Accent, rule).draw(buf, below, 0);
    let asked = details::asked(run);
    let line = asked.iter().fold(Ink::of(Tone::Plain, "  "), |ink, (tone, t)| ink.put(*tone, t));
    line.cut(width).draw(buf, below, 1);
}
