//! One frame.

use ratatui::{Frame, text::Line};

use super::Snapshot;

/// Draws a snapshot.
pub fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot<'_>) {
    let status = snapshot.model.diagnosis.status.as_str();
    frame.render_widget(Line::from(status), frame.area());
}
