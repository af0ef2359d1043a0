//! One incident as a fold: events go in, a model and effects come out. Nothing else decides.

mod attention;
mod build;
mod clip;
mod draft;
mod event;
mod input;
mod model;
mod place;
mod scope;
mod shown;
mod view;
mod wizard;

pub mod beside;
pub mod chain;
pub mod details;
pub mod figures;
pub mod keymap;
pub mod kiosk;
pub mod layout;
pub mod logs;
pub mod page;
pub mod recovery;
pub mod requests;
pub mod rows;
pub mod states;
pub mod timeline;

pub use attention::{Attention, GatewayView, Target};
pub use clip::Clip;
pub use draft::{Draft, FileAt, Typed};
pub use event::{AuditLine, Event, Key, KeyCode, Mouse, MouseKind};
pub use model::{Effect, Knowledge, Model, update};
pub use place::Place;
pub use recovery::{Powers, Recovery};
pub use rows::RowKey;
pub use shown::{Held, Shown};
pub use view::{Layer, Pane, PaneView, View};
