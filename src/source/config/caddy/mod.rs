//! Caddy's configuration: a Caddyfile, or JSON.

mod address;
mod caddyfile;
mod json;
mod lexer;
mod loaded;
mod parse;
mod proxy;
#[cfg(test)]
mod tests;
mod tree;

pub(super) use address::duration_ms;
pub(in crate::source) use loaded::in_force;
use parse::control;
pub(super) use parse::parse;
pub(in crate::source) use parse::{controls, loaded};
