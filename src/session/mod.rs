//! One incident as a fold: events go in, a model and effects come out. Nothing else decides.

mod attention;
mod build;
mod event;
mod model;
mod view;

pub mod details;
pub mod figures;
pub mod keymap;
pub mod layout;
pub mod page;
pub mod rows;

pub use attention::{Attention, GatewayView, Target};
pub use event::{Event, Key, KeyCode};
pub use model::{Effect, Knowledge, Model, update};
pub use rows::RowKey;
pub use view::{Layer, Pane, PaneView, Shown, View};
