//! Configurations of gateways: how they are split into words, what they include, and what they
//! mean. One file for what each gateway means; the rest is the language.

mod apache;
mod collect;
mod groups;
mod include;
mod lexer;
mod logs;
mod nginx;
mod pass;
mod pattern;
mod scope;
mod script;
mod setup;
mod tree;
mod unread;
mod values;
mod variables;

pub use include::{Watched, read_text};
pub use setup::{Parsed, Setup, parse};
pub use tree::{Directive, Directives, SourceFile, Tree};
