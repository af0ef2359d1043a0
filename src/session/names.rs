//! The names of views and panes in their lines, and where each stands: drawing and clicking agree
//! because both ask here.

use super::{Pane, Place};

/// A name in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<T> {
    /// What it names.
    pub of: T,
    /// The name; empty where only the digit fits.
    pub text: &'static str,
    /// Columns before it.
    pub column: usize,
    /// Its columns.
    pub width: usize,
}

/// The thing that stands in this column.
pub fn named<T: Copy>(names: &[Name<T>], column: usize) -> Option<T> {
    let here = |name: &&Name<T>| (name.column..name.column + name.width).contains(&column);
    names.iter().find(here).map(|name| name.of)
}

/// The views in a line of so many columns: the present one in brackets, each with its digit; short
/// names or digits alone where there is no room.
pub fn view_names(here: Place, width: usize) -> Vec<Name<Place>> {
    let alone = |place: Place| if place == here { place.title() } else { "" };
    let lines = [line(here, 2, Place::title), line(here, 1, Place::short), line(here, 1, alone)];
    let end = |line: &[Name<Place>]| line.last().map_or(0, |name| name.column + name.width);
    lines.into_iter().find(|line| end(line) <= width).unwrap_or_default()
}

fn line(here: Place, gap: usize, name: impl Fn(Place) -> &'static str) -> Vec<Name<Place>> {
    let mut column = 1;
    Place::ALL
        .into_iter()
        .map(|place| {
            let text = name(place);
            let brackets = if place == here { 2 } else { 0 };
            let blank = usize::from(!text.is_empty());
            let name = Name { of: place, text, column, width: 1 + blank + text.len() + brackets };
            column += name.width + gap;
            name
        })
        .collect()
}

/// The panes that share a place, in its title line of so many columns.
pub fn tab_names(tabs: &[Pane], width: u16) -> Vec<Name<Pane>> {
    let short = width < if tabs.len() > 3 { 112 } else { 64 };
    let mut column = 2;
    tabs.iter()
        .map(|pane| {
            let text = match pane {
                _ if !short => pane.title(),
                Pane::Cause => "Cause",
                Pane::Upstreams => "Ups",
                Pane::Errors => "Err",
                Pane::Memory => "Mem",
                Pane::Units => "Units",
                Pane::Timeline => "Time",
            };
            let name = Name { of: *pane, text, column, width: text.len() };
            column += name.width + 2;
            name
        })
        .collect()
}
