//! The line that names the views, so that nobody has to know them.

use ratatui::buffer::Buffer;

use crate::{
    session::{layout::Area, page::Tone, view_names},
    tui::{Snapshot, ink::Ink},
};

/// Draws the names of all views with their digits, that of the present one marked.
pub(crate) fn views(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let here = snapshot.model.view.here();
    let mut line = Ink::new();
    for name in view_names(here, usize::from(area.width)) {
        let gap = name.column.saturating_sub(line.width());
        line = line.put(Tone::Plain, " ".repeat(gap));
        let (digit, text) = (name.of.digit(), name.text);
        line = if name.of == here {
            line.put(Tone::Accent, format!("[{digit} {text}]"))
        } else if text.is_empty() {
            line.put(Tone::Plain, digit.to_string())
        } else {
            line.put(Tone::Plain, digit.to_string()).put(Tone::Muted, format!(" {text}"))
        };
    }
    line.draw(buf, area, 0);
}
