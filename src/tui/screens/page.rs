//! A page of details, or of keys.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::{
    session::{
        Layer, details,
        layout::Area,
        page::{Tone, text_height, text_width},
    },
    tui::{
        Snapshot,
        ink::Ink,
        widgets::{self, Title},
    },
};

/// Draws the page of a layer over an area.
pub(crate) fn page(buf: &mut Buffer, area: Area, layer: &Layer, snapshot: &Snapshot<'_>) {
    let top = match layer {
        Layer::Page { top, .. }
        | Layer::Help { top }
        | Layer::Refusal { top, .. }
        | Layer::Audit { top }
        | Layer::Wizard { top }
        | Layer::Senior { top }
        | Layer::Practice { top, .. } => *top,
        _ => snapshot.model.recovery.run.as_ref().map_or(0, |run| run.top),
    };
    let Some(page) = details::layer(snapshot.model, layer) else { return };
    let rect = Rect::new(area.x, area.y, area.width, area.height).intersection(buf.area);
    ratatui::widgets::Clear.render(rect, buf);
    let lines = details::lines(snapshot.model, layer, text_width(area), &snapshot.look.zone);
    let height = usize::from(text_height(area));
    let top = top.min(lines.len().saturating_sub(height));
    let last = (top + height).min(lines.len());
    let summary = if lines.len() > height {
        Ink::of(Tone::Muted, format!("{}–{last} of {}", top + 1, lines.len()))
    } else {
        Ink::new()
    };
    let title = Title {
        name: Ink::of(Tone::Accent, page.title),
        focused: true,
        source: summary,
        ..Title::default()
    };
    widgets::title(buf, area, title);
    let (_, text) = area.split_top(1);
    let (_, text) = text.split_left(1, 0);
    for (line, y) in lines.iter().skip(top).zip(0..text.height) {
        Ink::from(line).cut(usize::from(text.width)).draw(buf, text, y);
    }
}
