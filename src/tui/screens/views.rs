//! The line that names the views, so that nobody has to know them.

use ratatui::buffer::Buffer;

use crate::{
    session::{Place, layout::Area, page::Tone},
    tui::{Snapshot, ink::Ink},
};

/// Draws the names of all views with their digits, that of the present one marked.
pub(crate) fn views(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let here = snapshot.model.view.here();
    let width = usize::from(area.width);
    let lines: [Ink; 3] = [
        line(here, "  ", Place::title),
        line(here, " ", Place::short),
        line(here, " ", |place| if place == here { place.title() } else { "" }),
    ];
    let fitting = lines.into_iter().find(|line| line.width() <= width).unwrap_or_default();
    fitting.draw(buf, area, 0);
}

fn line(here: Place, gap: &str, name: impl Fn(Place) -> &'static str) -> Ink {
    Place::ALL.into_iter().fold(Ink::new(), |line, place| {
        let gap = if line.is_empty() { " " } else { gap };
        let (line, name) = (line.put(Tone::Plain, gap), name(place));
        if place == here {
            return line.put(Tone::Accent, format!("[{} {name}]", place.digit()));
        }
        let name = if name.is_empty() { String::new() } else { format!(" {name}") };
        line.put(Tone::Plain, place.digit().to_string()).put(Tone::Muted, name)
    })
}
