//! What the page of a row says.

mod actions;
mod audit;
mod cause;
mod dispatch;
mod draft;
mod errors;
mod help;
mod logs;
mod mark;
mod memory;
mod recovery;
mod requests;
mod sources;
mod unit;
mod upstream;
mod weighed;
mod wizard;

pub use actions::rows as action_rows;
pub use dispatch::{layer, lines, page};
pub use draft::draft;
pub use recovery::asked;
pub(super) use upstream::probe_words;
pub use weighed::weighed;
pub use wizard::wizard_steps;
