//! Documents of names and values with their lines: YAML, JSON and TOML read into one shape.

mod node;
mod read;
mod toml;
mod yaml;

pub(super) use node::{Node, Value};
pub(super) use read::read;
use read::{DEPTH, NODES, Trouble};
