//! Small parts that screens are made of.

mod bar;
mod big;
mod finish;
mod input;
mod list;
mod sections;
mod spark;
mod table;
mod title;

pub(super) use bar::bar;
pub(super) use big::big;
pub(super) use finish::{highlight, to_ascii, without_colour};
pub(super) use input::input;
pub(super) use list::{List, MARK, list};
pub(super) use sections::{Sections, Slot};
pub(super) use spark::{LEVELS, levels, per_minute, spark};
pub(super) use table::{Column, table};
pub(super) use title::{Title, title};
