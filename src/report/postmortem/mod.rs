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
mod story;
mod svg;
mod times;

pub use assemble::{Subject, assemble};
pub use document::PostMortem;
pub use html::html;
pub use markdown::markdown;
pub use retelling::{Retelling, Told};

/// The schema's name in JSON.
pub const SCHEMA: &str = "gatemedic.postmortem/1";

use crate::observation::Text;

/// Characters of one text that are told.
const LONGEST: usize = 2_000;

/// A text as every format may take it: redacted, without what a terminal or an eye would stumble
/// over, on one line, bounded, never empty.
fn shown(text: impl AsRef<str>) -> String {
    let clean = Text::new(text).to_string();
    let trimmed = clean.trim();
    if trimmed.is_empty() {
        return "–".to_owned();
    }
    match trimmed.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", trimmed.get(..end).unwrap_or_default()),
        None => trimmed.to_owned(),
    }
}
