//! `gatemedic record`: what sessions record of themselves, and recording without a screen.

mod arguments;
mod export;
mod list;
mod live;
mod named;

pub(super) use arguments::{RecordArguments, run};
pub(super) use list::list;
pub(super) use live::of_session;
pub(super) use named::Named;
