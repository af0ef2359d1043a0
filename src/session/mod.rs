//! One incident as a fold: events go in, a model and effects come out. Nothing else decides.

mod attention;
mod build;
mod event;
mod model;
mod view;

pub use attention::{Attention, GatewayView, Target};
pub use event::{Event, Key, KeyCode};
pub use model::{Effect, Knowledge, Model, update};
pub use view::View;
