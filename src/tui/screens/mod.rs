//! What each pane shows, one file each, and the pages of details.

mod actions;
mod cause;
mod confirm;
mod editor;
mod errors;
mod frame;
mod histogram;
mod logs;
mod memory;
mod page;
mod side;
mod units;
mod upstreams;
mod views;
mod wizard;

pub(super) use actions::actions;
pub(super) use cause::cause;
pub(super) use confirm::confirm;
pub(super) use editor::editor;
pub(super) use errors::errors;
pub(super) use frame::{Part, notes, title};
pub(super) use logs::logs;
pub(super) use memory::memory;
pub(super) use page::page;
pub(super) use side::side;
pub(super) use units::units;
pub(super) use upstreams::upstreams;
pub(super) use views::views;
pub(super) use wizard::wizard;
