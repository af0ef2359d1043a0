//! A list of rows with a cursor.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    session::{
        PaneView, RowKey,
        layout::{Area, first_visible},
        page::Tone,
    },
    tui::{ink::Ink, theme},
};

/// Columns of the cursor's mark.
pub(crate) const MARK: u16 = 2;

/// The visible part of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    /// Index of the first visible row.
    pub(crate) first: usize,
    /// Rows that are visible.
    pub(crate) visible: usize,
    /// Index of the selected row.
    pub(crate) selected: usize,
}

impl List {
    /// What is visible of `keys` in an area.
    pub(crate) fn new(view: &PaneView, keys: &[RowKey], area: Area) -> Self {
        let height = usize::from(area.height);
        let selected = view.position(keys);
        let first = first_visible(view.top, selected, height, keys.len());
        Self { first, visible: height.min(keys.len().saturating_sub(first)), selected }
    }

    /// The visible ones of `keys`.
    pub(crate) fn visible<'a>(&self, keys: &'a [RowKey]) -> &'a [RowKey] {
        keys.get(self.first..self.first + self.visible).unwrap_or_default()
    }
}

/// Draws rows; the selected one is marked when the keys go there.
pub(crate) fn list(buf: &mut Buffer, area: Area, list: List, rows: &[Ink], focused: bool) {
    let text = area.split_left(MARK, 0).1;
    for (at, (row, y)) in rows.iter().zip(0..area.height).enumerate() {
        row.draw(buf, text, y);
        if focused && list.first + at == list.selected {
            Ink::of(Tone::Accent, "▸").draw(buf, area, y);
            select(buf, area, y);
        }
    }
}

/// Reversed as a whole: visible on every palette, and without one.
fn select(buf: &mut Buffer, area: Area, y: u16) {
    let row = Rect::new(area.x, area.y.saturating_add(y), area.width, 1).intersection(buf.area);
    for position in row.positions() {
        if let Some(cell) = buf.cell_mut(position) {
            theme::select(cell);
        }
    }
}
