//! A list whose rows stand in sections, each below a heading that the cursor steps over.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        PaneView, RowKey,
        layout::{Area, first_visible},
    },
    tui::ink::Ink,
};

use super::list::{List, list};

/// A visible line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The heading with this index.
    Heading(usize),
    /// The row with this index.
    Row(usize),
}

/// The visible lines of a list in sections.
#[derive(Clone, Debug)]
pub(crate) struct Sections {
    /// The lines, from the top of the area.
    pub(crate) slots: Vec<Slot>,
    selected: usize,
}

impl Sections {
    /// What is visible in an area; `starts` are the indexes of the first rows of the sections, in
    /// order.
    pub(crate) fn new(view: &PaneView, keys: &[RowKey], starts: &[usize], area: Area) -> Self {
        let height = usize::from(area.height);
        let selected = view.position(keys);
        let line = |row: usize| row + starts.iter().filter(|start| **start <= row).count();
        let total = keys.len() + starts.len();
        // The heading above the first row comes with it.
        let top = if view.top == 0 { 0 } else { line(view.top) };
        let top = if selected == 0 { 0 } else { top };
        let first = first_visible(top, line(selected), height, total);
        let slots = (first..(first + height).min(total)).map(|at| slot(starts, at)).collect();
        Self { slots, selected }
    }

    /// Draws the lines, one for each slot.
    pub(crate) fn draw(&self, buf: &mut Buffer, area: Area, lines: &[Ink], focused: bool) {
        let at = self.slots.iter().position(|slot| *slot == Slot::Row(self.selected));
        let selected = at.unwrap_or(usize::MAX);
        let visible = List { first: 0, visible: self.slots.len(), selected };
        list(buf, area, visible, lines, focused);
    }
}

fn slot(starts: &[usize], line: usize) -> Slot {
    let above = starts.iter().enumerate().take_while(|(at, start)| *at + **start <= line).count();
    match above.checked_sub(1).and_then(|at| starts.get(at).map(|start| (at, at + start))) {
        Some((at, heading)) if heading == line => Slot::Heading(at),
        _ => Slot::Row(line - above),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Text;

    #[test]
    fn the_selected_row_is_always_among_the_visible_lines_and_each_row_once() {
        let keys: Vec<RowKey> = (0..9).map(|n| RowKey::Disk(Text::new(n.to_string()))).collect();
        for height in 1..14 {
            for top in 0..9 {
                for index in 0..9 {
                    let view = PaneView { selected: keys.get(index).cloned(), index, top };
                    let area = Area { height, width: 9, ..Area::default() };
                    let sections = Sections::new(&view, &keys, &[0, 3, 8], area);
                    assert!(sections.slots.contains(&Slot::Row(index)), "{sections:?}");
                    let rows = sections.slots.iter().filter_map(|slot| match slot {
                        Slot::Row(at) => Some(*at),
                        Slot::Heading(_) => None,
                    });
                    let rows: Vec<usize> = rows.collect();
                    assert!(rows.windows(2).all(|two| two[0] + 1 == two[1]), "{rows:?}");
                }
            }
        }
        let view = PaneView::default();
        let area = Area { height: 20, width: 9, ..Area::default() };
        let all = Sections::new(&view, &keys, &[0, 3, 8], area).slots;
        assert_eq!(
            (all.len(), all[0], all[4], all[10]),
            (12, Slot::Heading(0), Slot::Heading(1), Slot::Heading(2))
        );
    }
}
