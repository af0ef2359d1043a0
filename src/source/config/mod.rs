//! Configurations of gateways: how they are split into words, what they include, and what they
//! mean. One file for what each gateway means; the rest is the language.

mod apache;
pub(super) mod caddy;
mod collect;
mod document;
mod envoy;
mod groups;
mod haproxy;
mod include;
mod lexer;
mod logs;
mod nginx;
mod pass;
mod pattern;
mod reading;
mod scope;
mod script;
mod setup;
mod start;
mod traefik;
mod tree;
mod values;
mod variables;

pub use include::{Watched, read_text, read_tree};
pub use setup::{Parsed, Setup, parse};
pub use tree::{Directive, Directives, SourceFile, Tree};
