//! The wizard: the steps on the left, the present one on the right; on a narrow screen only that
//! one, with its number.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        Layer, details,
        layout::{self, Area, first_visible},
        page::Tone,
    },
    tui::{
        Snapshot,
        ink::Ink,
        widgets::{self, Title},
    },
};

use super::page;

/// Draws the wizard over an area.
pub(crate) fn wizard(buf: &mut Buffer, area: Area, layer: &Layer, snapshot: &Snapshot<'_>) {
    let (left, right) = layout::wizard(area);
    page(buf, right, layer, snapshot);
    let (steps, at) = details::wizard_steps(snapshot.model);
    if left.is_empty() {
        return;
    }
    let name = Ink::of(Tone::Strong, "w Wizard");
    let source = Ink::of(Tone::Muted, format!("{} of {}", at + 1, steps.len()));
    widgets::title(buf, left, Title { name, focused: false, summary: Ink::new(), source });
    let (_, list) = left.split_top(1);
    let first = first_visible(0, at, usize::from(list.height), steps.len());
    let width = usize::from(list.width);
    for (row, y) in steps.iter().skip(first).zip(0..list.height) {
        let [(tone, mark), (text, title)] = row;
        let line = Ink::of(Tone::Plain, " ").put(*tone, mark).put(Tone::Plain, " ");
        line.put(*text, title).cut(width).draw(buf, list, y);
    }
}
