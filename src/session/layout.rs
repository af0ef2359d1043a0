//! Where everything stands on a screen of a given size: drawing and paging agree because both
//! ask here.

use crate::diagnosis::Finding;

use super::{Pane, Place, Shown, View, beside::beside, rows};

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Columns from the left.
    pub x: u16,
    /// Rows from the top.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Area {
    /// The first `height` rows, and what is left below.
    #[must_use]
    pub const fn split_top(self, height: u16) -> (Self, Self) {
        let top = if height < self.height { height } else { self.height };
        (
            Self { height: top, ..self },
            Self { y: self.y.saturating_add(top), height: self.height - top, ..self },
        )
    }

    /// What is left above, and the last `height` rows.
    #[must_use]
    pub const fn split_bottom(self, height: u16) -> (Self, Self) {
        self.split_top(self.height.saturating_sub(height))
    }

    /// The first `width` columns, and what is left to the right of them and a gap.
    #[must_use]
    pub const fn split_left(self, width: u16, gap: u16) -> (Self, Self) {
        let left = if width < self.width { width } else { self.width };
        let skip = left.saturating_add(gap);
        (
            Self { width: left, ..self },
            Self { x: self.x.saturating_add(skip), width: self.width.saturating_sub(skip), ..self },
        )
    }

    /// Whether nothing fits in.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }
}

/// The parts of a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Whether the screen is too small for anything but saying so.
    pub too_small: bool,
    /// The state of affairs.
    pub header: Area,
    /// The names of the views; empty where there is no room for them.
    pub views: Area,
    /// Panes that share the place of the last open one, which is among them; empty where all are
    /// open.
    pub tabs: &'static [Pane],
    /// The open panes, each with its title line.
    pub panes: Vec<(Pane, Area)>,
    /// What stands beside or below the rows of a view: more about the selected one.
    pub side: Area,
    /// Everything between header and footer: pages of details cover it.
    pub body: Area,
    /// The time of a recording; empty where nothing is replayed.
    pub axis: Area,
    /// The keys that matter now.
    pub footer: Area,
}

/// The smallest screen that shows something: columns and rows.
pub const SMALLEST: (u16, u16) = (36, 8);

/// Lays out the screen that the session knows of.
pub fn layout(view: &View, shown: &Shown<'_>) -> Layout {
    layout_at(view.size, view, shown)
}

/// Lays out a screen of so many columns and rows.
pub fn layout_at((width, height): (u16, u16), view: &View, shown: &Shown<'_>) -> Layout {
    let whole = Area { x: 0, y: 0, width, height };
    if width < SMALLEST.0 || height < SMALLEST.1 {
        return Layout { too_small: true, ..Layout::default() };
    }
    let (header, rest) = whole.split_top(if height >= 12 { 2 } else { 1 });
    let (views, rest) = rest.split_top(u16::from(height >= 20));
    let (rest, footer) = rest.split_bottom(1);
    let axis = if shown.replay.is_none() { 0 } else { 1 + u16::from(height >= 20) };
    let (body, axis) = rest.split_bottom(axis);
    let mut layout = Layout { header, views, body, axis, footer, ..Layout::default() };
    if view.place != Place::Overview {
        alone(&mut layout, view, shown);
    } else if view.zoom || width < 64 || body.height < 14 {
        layout.tabs = &Pane::ALL;
        layout.panes = vec![(view.focus, body)];
    } else if body.height < 30 {
        medium(&mut layout, view, shown);
    } else {
        large(&mut layout, shown);
    }
    layout
}

/// The one view that fills the screen: its rows, and more about the selected one.
fn alone(layout: &mut Layout, view: &View, shown: &Shown<'_>) {
    let Some(pane) = view.place.pane() else { return };
    let (rows, side) = beside(view, shown, layout.body);
    layout.side = side;
    layout.panes = vec![(pane, rows)];
}

/// Title and as many lines as there are rows, within bounds.
fn wanted(shown: &Shown<'_>, pane: Pane, least: u16, most: u16) -> u16 {
    let all = match pane {
        // Thousands of them are not counted by listing them.
        Pane::Upstreams => shown.diagnosis.upstreams.len(),
        _ => rows::keys(shown, pane, "").len(),
    };
    let rows = u16::try_from(all).unwrap_or(u16::MAX);
    let notes = u16::from(rows::blind(shown, pane).next().is_some());
    rows.saturating_add(notes).clamp(least, most.max(least)).saturating_add(1)
}

/// Title, a line for each cause, and the evidence of the one that has most.
fn wanted_by_causes(shown: &Shown<'_>) -> u16 {
    let lines = |f: &Finding| f.evidence.len() + f.against.len() + f.missing.len() + 4;
    let diagnosis = shown.diagnosis;
    let open = diagnosis.findings.iter().map(lines).max().unwrap_or(4);
    let rows = rows::keys(shown, Pane::Cause, "").len();
    u16::try_from(rows + open).unwrap_or(u16::MAX)
}

/// The cause, the chain, and the one pane that was looked at last.
fn medium(layout: &mut Layout, view: &View, shown: &Shown<'_>) {
    let body = layout.body;
    layout.tabs = &[Pane::Errors, Pane::Memory, Pane::Units];
    let upstreams = wanted(shown, Pane::Upstreams, 2, body.height / 4);
    let (cause, rest) = body.split_top(body.height * 9 / 20);
    let (chain, other) = rest.split_top(upstreams);
    layout.panes = vec![(Pane::Cause, cause), (Pane::Upstreams, chain), (view.second(), other)];
}

/// Everything.
fn large(layout: &mut Layout, shown: &Shown<'_>) {
    let body = layout.body;
    let beside = body.width >= 108;
    let most = body.height * if beside { 9 } else { 7 } / 20;
    let (cause, rest) = body.split_top(wanted_by_causes(shown).clamp(8.min(most), most));
    let share = rest.height / if beside { 3 } else { 4 };
    let upstreams = wanted(shown, Pane::Upstreams, 2, share.saturating_sub(1));
    let (chain, rest) = rest.split_top(upstreams);
    let share = rest.height / if beside { 2 } else { 3 };
    let (errors, rest) = rest.split_top(wanted(shown, Pane::Errors, 4, share.saturating_sub(1)));
    layout.panes = vec![(Pane::Cause, cause), (Pane::Upstreams, chain), (Pane::Errors, errors)];
    let (memory, units) = if beside {
        rest.split_left((rest.width - 2) / 2, 2)
    } else {
        rest.split_top(rest.height / 2)
    };
    layout.panes.extend([(Pane::Memory, memory), (Pane::Units, units)]);
}

/// Where a pane's `rows` entries go, below its title, and the line behind them that says what is
/// out of sight.
pub fn list_area(shown: &Shown<'_>, pane: Pane, area: Area, rows: usize) -> (Area, Area) {
    let (_, inner) = area.split_top(1);
    if inner.height < 3 || rows::blind(shown, pane).next().is_none() {
        return (inner, Area::default());
    }
    let rows = u16::try_from(rows.max(1)).unwrap_or(u16::MAX);
    let (list, rest) = inner.split_top(rows.min(inner.height - 1));
    (list, rest.split_top(1).0)
}

/// The steps of the wizard on the left, where there is room for them, and the present one.
pub const fn wizard(area: Area) -> (Area, Area) {
    const ROOM: u16 = 76;
    if area.width < ROOM {
        return (Area { width: 0, ..area }, area);
    }
    area.split_left(if area.width < 110 { 28 } else { 40 }, 2)
}

/// The text of the editor, and beside or below it what is known.
pub const fn editor(area: Area) -> (Area, Area) {
    const SIDE: u16 = 40;
    if area.width >= 110 {
        return area.split_left(area.width - SIDE - 2, 2);
    }
    area.split_bottom(if area.height >= 18 { 8 } else { 5 })
}

/// The first row to show so that the selected one is among the visible.
pub const fn first_visible(top: usize, selected: usize, height: usize, total: usize) -> usize {
    let height = if height == 0 { 1 } else { height };
    let last_top = total.saturating_sub(height);
    let top = if top > last_top { last_top } else { top };
    if selected < top {
        selected
    } else if selected >= top + height {
        selected + 1 - height
    } else {
        top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_always_visible() {
        for total in 1..12 {
            for height in 1..12 {
                for top in 0..12 {
                    for selected in 0..total {
                        let first = first_visible(top, selected, height, total);
                        assert!(first <= selected && selected < first + height);
                    }
                }
            }
        }
    }
}
