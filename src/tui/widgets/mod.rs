//! Small parts that screens are made of.

mod bar;
mod big;
mod finish;
mod input;
mod list;
mod spark;
mod table;
mod title;

pub(super) use bar::bar;
pub(super) use big::big;
pub(super) use finish::{highlight, to_ascii, without_colour};
pub(super) use input::input;
pub(super) use list::{List, MARK, list};
pub(super) use spark::{per_minute, spark};
pub(super) use table::{Column, table};
pub(super) use title::{Title, title};
