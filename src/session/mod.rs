//! One incident as a fold: events go in, a model and effects come out. Nothing else decides.

mod attention;
mod build;
mod clip;
mod draft;
mod event;
mod hints;
mod input;
mod keyname;
mod keys;
mod model;
mod mouse;
mod names;
mod palette;
mod place;
mod scope;
mod shown;
mod summary;
mod view;
mod waiting;
mod wizard;

pub mod details;
pub mod figures;
pub mod keymap;
pub mod layout;
pub mod page;
pub mod recovery;
pub mod requests;
pub mod rows;

pub use attention::{Attention, GatewayView, Target};
pub use clip::Clip;
pub use draft::{Draft, FileAt, Typed};
pub use event::{AuditLine, Event, Key, KeyCode, Mouse, MouseKind};
pub use hints::{Footer, Hint, footer, hint_at};
pub use keys::{Bound, Keymap};
pub use keyname::KeyNameError;
pub use model::{Effect, Knowledge, Model, update};
pub use names::{Name, named, tab_names, view_names};
pub use palette::{Entry, Goal, Palette, is_idle};
pub use place::Place;
pub use recovery::{Powers, Recovery};
pub use rows::RowKey;
pub use shown::{Held, Shown};
pub use waiting::Wait;
pub use view::{Layer, Pane, PaneView, View};
