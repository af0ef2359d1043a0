//! Access logs of every gateway: one engine for those who follow a log and those who read it from
//! its beginning.
//!
//! A format is compiled once ([`AccessParser::new`]); where nobody tells it, it is recognised from
//! the lines ([`detect`]).

mod apache;
mod detect;
mod envoy;
mod field;
mod fields;
mod guess;
mod haproxy;
mod json;
mod keys;
mod line;
mod loose;
mod nginx;
mod pairs;
mod parser;
mod template;
#[cfg(test)]
mod tests;

pub use detect::{Shape, detect};
pub use field::FormatError;
pub use fields::AccessFields;
pub use parser::{AccessParser, Reading};

pub(crate) use fields::LEAD;
