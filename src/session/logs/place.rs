//! Where the parts of the view stand.

use crate::session::layout::Area;

/// The parts of the view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// The title.
    pub title: Area,
    /// What is filtered and searched for; empty where nothing is.
    pub chips: Area,
    /// Lines by time; empty where there is no room.
    pub histogram: Area,
    /// The lines.
    pub list: Area,
}

/// Lays the view out. `chips`: whether something is filtered or searched for.
pub const fn areas(body: Area, chips: bool) -> Areas {
    let (title, rest) = body.split_top(1);
    let (chips, rest) = rest.split_top(if chips { 1 } else { 0 });
    let (histogram, list) = rest.split_top(if body.height >= 16 { 3 } else { 0 });
    Areas { title, chips, histogram, list }
}
