//! Which key does what, as data: the fold acts on it and the help lists it.

mod binding;
mod command;
mod scope;
mod table;

pub use binding::Binding;
pub use command::{Command, Edit, Group, Log, Play, Step};
pub use scope::{Scope, scopes};
pub use table::{BINDINGS, bindings};
