//! One incident as a fold: events go in, a model and effects come out. Nothing else decides.

mod attention;
mod event;

pub use attention::{Attention, GatewayView, Target};
pub use event::{Event, Key, KeyCode};
