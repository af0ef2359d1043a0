//! The post-mortem of one incident: what it cost, what happened when, why, who did what, and what
//! would have kept it from happening. One document, written as Markdown, as one HTML page that needs
//! nothing else, and as JSON.
//!
//! The same case gives the same bytes. Every text passes one door ([`shown`]): redacted and sanitised
//! once more, on one line and bounded; what each format does to it stands in `escape` and in `html`.

mod assemble;
mod cause;
mod chart;
mod document;
mod escape;
mod evidence;
mod html;
#[cfg(test)]
mod inert_tests;
mod markdown;
mod prevented;
mod retelling;
mod shown;
mod story;
mod svg;
mod times;

pub use assemble::{Subject, assemble};
pub use document::PostMortem;
pub use html::html;
pub use markdown::markdown;
pub use retelling::{Retelling, Told};
use shown::shown;
