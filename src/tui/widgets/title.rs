//! The title line of a pane: a thin rule with a name, what is in it, and where that comes from.

use ratatui::buffer::Buffer;

use crate::{
    session::{layout::Area, page::Tone},
    tui::ink::Ink,
};

/// A title line.
#[derive(Debug, Default)]
pub(crate) struct Title {
    /// Key and name.
    pub(crate) name: Ink,
    /// Whether the keys go there.
    pub(crate) focused: bool,
    /// What is in it, in a few words.
    pub(crate) summary: Ink,
    /// Where it comes from and how old it is.
    pub(crate) source: Ink,
}

/// Draws a title line into the first row of an area.
pub(crate) fn title(buf: &mut Buffer, area: Area, title: Title) {
    let width = usize::from(area.width);
    let (line, tone) = if title.focused { ("━", Tone::Accent) } else { ("─", Tone::Muted) };
    let mut left = Ink::of(tone, line).put(tone, " ").then(title.name).put(tone, " ");
    if !title.summary.is_empty() && left.width() + title.summary.width() + 2 < width {
        left = left.put(tone, line).put(tone, " ").then(title.summary).put(tone, " ");
    }
    let right = if title.source.is_empty() {
        Ink::new()
    } else {
        Ink::of(tone, " ").then(title.source).put(tone, " ").put(tone, line)
    };
    let fits = left.width() + right.width() + 2 <= width;
    let right = if fits { right } else { Ink::new() };
    let fill = width.saturating_sub(left.width() + right.width());
    left.put(tone, line.repeat(fill)).then(right).cut(width).draw(buf, area, 0);
}
