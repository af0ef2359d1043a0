//! The input line of the search.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
};
use tui_textarea::{CursorMove, TextArea};

use crate::{
    session::{layout::Area, page::Tone},
    tui::{ink::Ink, theme::mark},
};

/// Draws what is being typed. The session lets only safe characters in, so the text is what it
/// looks like.
pub(crate) fn input(
    frame: &mut Frame<'_>,
    area: Area,
    (prompt, hint): (&str, &str),
    typed: &str,
    cursor: usize,
    found: Ink,
) {
    let found = found.cut(usize::from(area.width) / 2);
    let right = u16::try_from(found.width()).unwrap_or(0);
    let (line, tail) = area.split_left(area.width.saturating_sub(right + 1), 1);
    let prompt = Ink::of(Tone::Accent, format!(" {prompt} "));
    let before = u16::try_from(prompt.width()).unwrap_or(0);
    prompt.draw(frame.buffer_mut(), line, 0);
    found.draw(frame.buffer_mut(), tail, 0);
    let mut field = TextArea::new(vec![typed.to_owned()]);
    field.set_style(mark(Tone::Plain));
    field.set_cursor_line_style(Style::new());
    field.set_cursor_style(Style::new().add_modifier(Modifier::REVERSED));
    field.set_placeholder_text(hint);
    field.set_placeholder_style(mark(Tone::Muted));
    field.move_cursor(CursorMove::Jump(0, u16::try_from(cursor).unwrap_or(u16::MAX)));
    let (_, field_area) = line.split_left(before, 0);
    let rect = Rect::new(field_area.x, field_area.y, field_area.width, field_area.height);
    let rect = rect.intersection(frame.area());
    if !rect.is_empty() {
        frame.render_widget(&field, rect);
    }
}
