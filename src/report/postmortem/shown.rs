//! The one door for texts.

use crate::observation::Text;

/// Characters of one text that are told.
const LONGEST: usize = 2_000;

/// A text as every format may take it: redacted, without what a terminal or an eye would stumble
/// over, on one line, bounded, never empty.
pub(super) fn shown(text: impl AsRef<str>) -> String {
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
