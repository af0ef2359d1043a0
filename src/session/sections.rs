//! A list whose rows stand in sections, each below a heading that the cursor steps over.

use std::collections::BTreeSet;

use crate::observation::{ContainerId, ProgramId, UnitName};

use super::{
    PaneView, Place, RowKey, Shown,
    layout::{Area, first_visible},
    rows,
};

/// A visible line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The heading with this index.
    Heading(usize),
    /// The row with this index.
    Row(usize),
}

/// The visible lines of a list in sections.
#[derive(Clone, Debug)]
pub struct Sections {
    /// The lines, from the top of the area.
    pub slots: Vec<Slot>,
    selected: usize,
}

impl Sections {
    /// What is visible in an area; `starts` are the indexes of the first rows of the sections, in
    /// order.
    pub fn new(view: &PaneView, keys: &[RowKey], starts: &[usize], area: Area) -> Self {
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

    /// Which of the lines is selected.
    pub fn marked(&self) -> Option<usize> {
        self.slots.iter().position(|slot| *slot == Slot::Row(self.selected))
    }
}

/// A part of the list of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The host.
    Host,
    /// What was killed in the incident.
    Killed,
    /// Disks that are nearly full.
    Disks,
    /// Units and containers.
    Groups,
    /// What was killed before.
    Earlier,
}

/// First row and kind of each section of memory that has rows.
pub fn memory_sections(all: &[RowKey]) -> Vec<(usize, Section)> {
    let mut found: Vec<(usize, Section)> = Vec::new();
    let mut groups = false;
    for (at, key) in all.iter().enumerate() {
        groups |= matches!(key, RowKey::Cgroup(_));
        let of = match key {
            RowKey::Kill(_) | RowKey::Segfault(_) if groups => Section::Earlier,
            RowKey::Kill(_) | RowKey::Segfault(_) => Section::Killed,
            RowKey::Disk(_) => Section::Disks,
            RowKey::Cgroup(_) => Section::Groups,
            _ => Section::Host,
        };
        if found.last().is_none_or(|(_, last)| *last != of) {
            found.push((at, of));
        }
    }
    found
}

/// Whether a unit or container is among those that upstreams and gateways depend on.
pub fn is_needed(
    key: &RowKey,
    (units, containers): &(BTreeSet<UnitName>, BTreeSet<ContainerId>),
    programs: &BTreeSet<ProgramId>,
) -> bool {
    match key {
        RowKey::Unit(name) => units.contains(name),
        RowKey::Container(id) => containers.contains(id),
        RowKey::Program(id) => programs.contains(id),
        _ => false,
    }
}

/// Indexes of the first rows below the headings of a view, in a list of so many lines.
pub fn starts(place: Place, shown: &Shown<'_>, keys: &[RowKey], height: u16) -> Vec<usize> {
    match place {
        // With very little room the rows say what they are.
        Place::Memory if height >= 8 => memory_sections(keys).iter().map(|(at, _)| *at).collect(),
        Place::Units if height >= 6 && !keys.is_empty() => {
            let (behind, programs) = (rows::behind(shown), rows::programs_behind(shown));
            match keys.iter().position(|key| !is_needed(key, &behind, &programs)) {
                Some(0) | None => vec![0],
                Some(other) => vec![0, other],
            }
        }
        _ => Vec::new(),
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
