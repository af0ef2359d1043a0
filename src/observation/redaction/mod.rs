//! Secrets are taken out when text is observed, so that recordings and reports can be mailed.
//!
//! One pass over the text finds words that a secret stands beside (`hints`), and asks of each what it is:
//! a name with a value (`names`, `value`), a URL or connection string (`urls`), or a thing with a shape
//! of its own (`shapes`); command lines of usual clients and frames of stack traces are read once more
//! (`commands`, `frames`). What goes on in the next line of a log is known by the line before it
//! (`continuation`). Only the value goes, its name stays. All of it is linear in the text, and what was
//! redacted once stays as it is.

mod bytes;
mod commands;
mod continuation;
mod frames;
mod hints;
mod mark;
mod names;
mod scan;
mod shapes;
#[cfg(test)]
mod tests;
mod urls;
mod value;

pub use continuation::Continuation;
pub use mark::{has_mark, tag_secrets};
pub use scan::{redact, redact_configuration};
