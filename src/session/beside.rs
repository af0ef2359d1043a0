//! How the views that fill the screen share it between their rows and what stands beside them.

use super::{Pane, Place, Shown, View, layout::Area, rows};

/// Columns from which rows and details stand side by side.
pub const WIDE: u16 = 100;
/// Columns from which a way is drawn as a row of boxes.
pub const BOXES: u16 = 160;

/// The rows of a view, and where more about the selected one stands: to the right of them, below
/// them, or, on the timeline, above them.
pub fn beside(view: &View, shown: &Shown<'_>, body: Area) -> (Area, Area) {
    let none = Area { height: 0, ..body };
    let third = body.height / 3;
    match view.place {
        _ if body.height < 10 => (body, none),
        Place::Chain if (WIDE..BOXES).contains(&body.width) => {
            body.split_left(body.width * 2 / 5, 2)
        }
        Place::Chain => body.split_top(wanted(view, shown, Pane::Upstreams, third)),
        Place::Causes if rows::keys(shown, Pane::Cause, "").is_empty() => (body, none),
        Place::Causes if body.width >= WIDE => body.split_left(body.width * 2 / 5, 2),
        // What is said where no cause is found stands above what is outside.
        Place::Causes if shown.diagnosis.findings.is_empty() => body.split_top(body.height * 2 / 3),
        Place::Causes => body.split_top(wanted(view, shown, Pane::Cause, third)),
        Place::Timeline => {
            let (axis, rows) = body.split_top(axis(body.height));
            (rows, axis)
        }
        Place::Memory | Place::Units if body.width >= BOXES => {
            body.split_left(body.width * 3 / 5, 2)
        }
        Place::Memory | Place::Units if body.height < 18 => (body, none),
        Place::Memory | Place::Units => {
            let pane = view.place.pane().unwrap_or_default();
            // Headings stand between the rows.
            let rows = wanted(view, shown, pane, body.height * 3 / 5 - 4).saturating_add(4);
            body.split_top(rows.max(body.height / 2))
        }
        _ => body.split_top(body.height * 3 / 5),
    }
}

/// Rows of the axis with its title: more where there is room, and always one bar, the rule, the
/// marks and the clock.
const fn axis(height: u16) -> u16 {
    match height {
        0..=13 => 5,
        14..=24 => 7,
        25..=39 => 11,
        _ => 14,
    }
}

/// Title, rows and the line that says what is out of sight, within bounds.
fn wanted(view: &View, shown: &Shown<'_>, pane: Pane, most: u16) -> u16 {
    let all = match pane {
        // Thousands of them are not counted by listing them.
        Pane::Upstreams => shown.diagnosis.upstreams.len(),
        Pane::Units => shown.case.units.len() + shown.case.containers.len(),
        _ => rows::keys(shown, pane, view.query_in(pane)).len(),
    };
    let notes = u16::from(rows::blind(shown, pane).next().is_some());
    let rows = u16::try_from(all).unwrap_or(u16::MAX).saturating_add(notes);
    rows.clamp(2, most.max(3)).saturating_add(1)
}
