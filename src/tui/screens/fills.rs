//! The rows of the views that fill the screen.

use ratatui::buffer::Buffer;

use crate::session::Place;

use super::{Part, causes, chain, marks, memory_table, units_table};

/// Draws the rows of a view; false where the pane of the overview does.
pub(crate) fn fills(buf: &mut Buffer, place: Place, part: &Part<'_>) -> bool {
    match place {
        Place::Chain => chain::rows(buf, part),
        Place::Causes => causes::rows(buf, part),
        Place::Timeline => marks::rows(buf, part),
        Place::Memory => memory_table::rows(buf, part),
        Place::Units => units_table::rows(buf, part),
        Place::Overview | Place::Logs | Place::Recovery | Place::Audit => return false,
    }
    true
}
