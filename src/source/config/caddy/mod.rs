//! Caddy's configuration: a Caddyfile, or JSON.

mod address;
mod caddyfile;
mod json;
mod lexer;
mod parse;
mod proxy;
#[cfg(test)]
mod tests;
mod tree;

pub(super) use address::duration_ms;
use parse::control;
pub(super) use parse::parse;
