//! What happened, on one axis of time: failures, kills, starts and ends, changes, actions.

mod actions;
mod axis;
mod changes;
mod collect;
mod containers;
mod fold;
mod gateways;
mod mark;
mod units;
mod zoom;

pub use axis::{Columns, columns, known_since, ticks};
pub use collect::{Marks, about, find, marks};
pub use mark::{Mark, MarkKey, MarkKind};
pub use zoom::{Window, Zoom};
