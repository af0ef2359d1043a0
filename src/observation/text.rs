//! Text from outside: hostile until shown otherwise.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::redaction::redact;

/// Longest text kept of one line or value, in bytes; the rest is cut and marked.
pub const TEXT_LIMIT: usize = 64 * 1024;

/// Text that came from outside. Secrets are redacted when it is made; control, bidi and
/// zero-width characters stay inside for matching and are made visible by `Display`, which
/// therefore never writes a byte that a terminal would act on. A copy shares the bytes: thousands of
/// rows name the same gateway, unit and file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

impl Text {
    /// Takes a string: redacts it and cuts it at [`TEXT_LIMIT`].
    pub fn new(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.len() <= TEXT_LIMIT {
            return Self(redact(text).into());
        }
        let mut end = TEXT_LIMIT;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let head = text.get(..end).unwrap_or_default();
        Self(format!("{}… [cut at {TEXT_LIMIT} of {} bytes]", redact(head), text.len()).into())
    }

    /// Takes bytes: invalid UTF-8 becomes `\xNN`, a backslash that could be read as such an
    /// escape is doubled, so that the bytes can be told again.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self::new(text);
        }
        let mut out = String::with_capacity(bytes.len() + 16);
        for chunk in bytes.utf8_chunks() {
            out.push_str(&chunk.valid().replace("\\x", "\\\\x"));
            for byte in chunk.invalid() {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
        Self::new(out)
    }

    /// The text as it was (redacted, not sanitised), for matching and comparing only.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text made safe for a screen.
    pub fn clean(&self) -> Clean {
        Clean::new(&self.0)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Reading a recording passes the same door as reading a host: cut and redacted again.
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Clean::new(&self.0).as_str())
    }
}

/// Text that may be written to a terminal: one line, no control, bidi, zero-width or private
/// characters, at most two combining marks in a row. Only [`Clean::new`] makes one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clean(String);

impl Clean {
    /// Sanitises. Characters are replaced visibly, never deleted; the result is stable under a
    /// second pass.
    pub fn new(text: &str) -> Self {
        if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Self(text.to_owned());
        }
        let mut out = String::with_capacity(text.len());
        let mut marks = 0_u8;
        for c in text.chars() {
            if is_combining(c) {
                marks = marks.saturating_add(1);
                if marks > 2 {
                    continue_visibly(&mut out, marks);
                    continue;
                }
            } else {
                marks = 0;
            }
            push_clean(&mut out, c);
        }
        Self(out)
    }

    /// The safe text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn continue_visibly(out: &mut String, marks: u8) {
    if marks == 3 {
        out.push('…');
    }
}

fn push_clean(out: &mut String, c: char) {
    match c {
        '\t' => out.push_str("    "),
        '\u{0}'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
        '\u{7f}' => out.push('␡'),
        // Voice marks of narrow katakana: part of the character before them for some, a column of
        // their own for others, who then keep it when that character goes.
        '\u{ff9e}' => out.push('゛'),
        '\u{ff9f}' => out.push('゜'),
        '\u{80}'..='\u{9f}' => drop(write!(out, "\\x{:02x}", c as u32)),
        _ if is_hidden(c) => drop(write!(out, "<U+{:04X}>", c as u32)),
        _ => out.push(c),
    }
}

/// Characters that change direction, take no room, or mean nothing outside one font.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{17b4}' | '\u{17b5}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
        || (c as u32) & 0xfffe == 0xfffe
}

fn is_combining(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{6d6}'..='\u{6dc}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_and_bidi_become_visible() {
        let text = Text::from_bytes(b"a\x1b]0;x\x07b\x9bc\xe2\x80\xaed");
        assert_eq!(text.to_string(), "a␛]0;x␇b\\x9bc<U+202E>d");
    }

    #[test]
    fn a_voice_mark_that_terminals_place_differently_gets_columns_of_its_own() {
        assert_eq!(Clean::new("\u{ff8a}\u{ff9f}").as_str(), "\u{ff8a}\u{309c}");
    }

    #[test]
    fn a_tower_of_marks_is_cut() {
        let tower = format!("e{}", "\u{301}".repeat(200));
        assert_eq!(Clean::new(&tower).as_str(), "e\u{301}\u{301}…");
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let text = Text::new("é".repeat(TEXT_LIMIT));
        assert!(text.raw().len() < TEXT_LIMIT + 64);
        assert!(text.raw().ends_with("bytes]"));
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_acts_on_survives(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let clean = Text::from_bytes(&bytes).clean();
            prop_assert!(!clean.as_str().chars().any(|c| c.is_control() || is_hidden(c)));
            prop_assert_eq!(Clean::new(clean.as_str()), clean.clone());
        }

        #[test]
        fn every_character_is_handled(c in any::<char>()) {
            let clean = Clean::new(&c.to_string());
            prop_assert!(!clean.as_str().chars().any(|c| c.is_control() || is_hidden(c)));
        }
    }
}
