//! The causes of their view, ranked: how sure, in a shape and a word, and what.

use ratatui::buffer::Buffer;

use crate::{
    diagnosis::Confidence,
    session::{Pane, RowKey, figures::localised, page::Tone, recovery::tried, rows as keys},
    tui::{
        ink::Ink,
        widgets::{Column, table},
    },
};

use super::{Part, cause};

const COLUMNS: [Column; 3] = [Column::new(2, 0), Column::new(11, 0), Column::new(10, 0).grows()];

/// Draws the visible rows.
pub(crate) fn rows(buf: &mut Buffer, part: &Part<'_>) {
    let none = part.shown.diagnosis.findings.is_empty();
    let mut part = *part;
    if none && part.view.query_in(Pane::Cause).is_empty() {
        part.area = cause::none(buf, &part);
    }
    if part.keys.is_empty() {
        if !none || !part.view.query.is_empty() {
            part.rows(buf, part.list(Pane::Cause), &[], "");
        }
        return;
    }
    let list = part.list(Pane::Cause);
    let visible = list.visible(part.keys).iter().enumerate();
    let cells = visible.map(|(at, key)| cells(&part, list.first + at, key)).collect();
    let lines = table(cells, &COLUMNS, part.width());
    part.rows(buf, list, &lines, "");
}

fn cells(part: &Part<'_>, at: usize, key: &RowKey) -> Vec<Ink> {
    let local = |text: &str| localised(text, &part.look.zone, part.shown.case.now.wall);
    let muted = |word: &str, text: &str| {
        let dot = Ink::of(Tone::Muted, "·");
        vec![dot, Ink::of(Tone::Muted, word), Ink::of(Tone::Muted, local(text))]
    };
    let Some(finding) = keys::finding(part.shown, key) else {
        let RowKey::Outside(text) = key else { return Vec::new() };
        return muted("○ outside", text);
    };
    if matches!(key, RowKey::Recovered(..)) {
        return muted("✓ over", &finding.summary);
    }
    let (tone, shape) = match finding.confidence {
        Confidence::Confirmed => (Tone::Bad, "●"),
        Confidence::Likely => (Tone::Warn, "◐"),
        Confidence::Possible => (Tone::Plain, "○"),
    };
    let sure = Ink::of(tone, format!("{shape} {}", finding.confidence.as_str()));
    let first = if at == 0 { Tone::Strong } else { Tone::Plain };
    let mut summary = Ink::new();
    if let Some(past) = tried(part.over, finding) {
        summary = summary.put(Tone::Warn, format!("tried, {}: ", past.words()));
    }
    let summary = summary.put(first, local(&finding.summary));
    vec![Ink::of(Tone::Strong, (at + 1).to_string()), sure, summary]
}
