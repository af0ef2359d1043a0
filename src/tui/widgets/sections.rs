//! A list whose rows stand in sections, each below a heading that the cursor steps over.

use ratatui::buffer::Buffer;

use crate::{
    session::{layout::Area, sections::Sections},
    tui::ink::Ink,
};

use super::list::{List, list};

/// Draws the lines, one for each slot.
pub(crate) fn sections(
    buf: &mut Buffer,
    area: Area,
    sections: &Sections,
    lines: &[Ink],
    focused: bool,
) {
    let selected = sections.marked().unwrap_or(usize::MAX);
    let visible = List { first: 0, visible: sections.slots.len(), selected };
    list(buf, area, visible, lines, focused);
}
