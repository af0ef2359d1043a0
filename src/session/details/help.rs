//! The keys that work here, and what the shapes mean.

use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use crate::{
    observation::{Clean, Wall},
    session::{
        Model, is_idle,
        keymap::Group,
        page::{Line, Page, Run, Tone, wrap},
    },
};

/// From so many columns on the keys stand in two columns.
const TWO: u16 = 104;
/// Columns between the two.
const GAP: u16 = 3;

/// What the shapes mean, everywhere.
const SHAPES: [(&str, Tone, &str); 6] = [
    ("●", Tone::Good, "in order"),
    ("◐", Tone::Warn, "works in part"),
    ("✗", Tone::Bad, "broken, failed, killed"),
    ("?", Tone::Warn, "not known"),
    ("○", Tone::Warn, "out of sight: something hides it from this program"),
    ("▶", Tone::Good, "can be done now"),
];

/// The page of the keys.
pub(super) fn page(model: &Model) -> Page {
    let mut page = Page::new("Keys that work here");
    for part in parts(model) {
        if !page.blocks.is_empty() {
            page.blocks.push(crate::session::page::Block::Gap);
        }
        page.blocks.extend(part.blocks);
    }
    page
}

/// One part for each heading that has keys here.
fn parts(model: &Model) -> Vec<Page> {
    let scope = model.view.scope_below();
    let mut parts = Vec::new();
    for group in Group::ALL {
        let mut part = Page::default();
        for bound in model.keys.bindings(scope, model.powers) {
            let command = bound.binding.command;
            if command.group() != group || is_idle(model, scope, command) {
                continue;
            }
            if part.blocks.is_empty() {
                part.heading(group.title());
            }
            part.toned(bound.shown, Tone::Plain, bound.binding.words);
        }
        if !part.blocks.is_empty() {
            parts.push(part);
        }
    }
    let mut shapes = Page::default();
    shapes.heading("Shapes");
    for (shape, tone, words) in SHAPES {
        shapes.toned(shape, tone, words);
    }
    parts.push(shapes);
    parts
}

/// The same in lines of so many columns, side by side where there is room.
pub(super) fn lines(model: &Model, width: u16) -> Vec<Line> {
    let broken = |page: &Page, width| wrap(page, width, &TimeZone::UTC, Wall(0));
    if width < TWO {
        return broken(&page(model), width);
    }
    let half = (width - GAP) / 2;
    let parts: Vec<Vec<Line>> = parts(model).iter().map(|part| broken(part, half)).collect();
    let all: usize = parts.iter().map(|part| part.len() + 1).sum();
    let (mut left, mut right): (Vec<Line>, Vec<Line>) = (Vec::new(), Vec::new());
    for part in parts {
        // A part goes where the page becomes shorter by it.
        let stays = right.is_empty() && left.len() + part.len() / 2 <= all / 2;
        let column = if stays { &mut left } else { &mut right };
        if !column.is_empty() {
            column.push(Line::default());
        }
        column.extend(part);
    }
    let room = usize::from(half + GAP);
    let rows = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    (0..rows)
        .map(|_| {
            let mut line = left.next().unwrap_or_default();
            if let Some(Line(beside)) = right.next() {
                let fill = " ".repeat(room.saturating_sub(line.text().width()));
                line.0.push(Run { tone: Tone::Plain, text: Clean::new(&fill) });
                line.0.extend(beside);
            }
            line
        })
        .collect()
}
