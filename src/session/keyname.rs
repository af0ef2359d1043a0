//! How a key is written: on the screen and in the settings.

use std::{fmt, str::FromStr};

use unicode_width::UnicodeWidthChar;

use super::{Key, KeyCode};

/// Names of keys that are no character; the first name of a key is the one that is shown.
const NAMES: &[(&str, KeyCode)] = &[
    ("Enter", KeyCode::Enter),
    ("Return", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Escape", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("BackTab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PgUp", KeyCode::PageUp),
    ("PageUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("PageDown", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("Space", KeyCode::Char(' ')),
];

/// Why a text names no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyNameError {
    /// Nothing is called so.
    #[error("no key is called {0:?}: write a, A, Ctrl-k, F5, Tab, Shift-Tab, Enter, Space, PgDn")]
    Unknown(String),
    /// A terminal sends the same for another key.
    #[error("a terminal sends {0} for {1}: write {0}")]
    Same(&'static str, String),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.control {
            f.write_str("Ctrl-")?;
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            // All others have a name above.
            other => write!(f, "{other:?}"),
        }
    }
}

impl FromStr for Key {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || KeyNameError::Unknown(text.chars().take(24).collect());
        if let Some((_, code)) = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            return Ok(Self { code: *code, control: false });
        }
        if let Some(c) = only(text) {
            return Ok(Self { code: KeyCode::Char(c), control: false });
        }
        if let Some(n) = text.strip_prefix(['F', 'f']).and_then(|n| n.parse::<u8>().ok()) {
            let plain = (1..=12).contains(&n) && !text.contains(['+', '0'].as_slice()) || n == 10;
            return plain
                .then_some(Self { code: KeyCode::F(n), control: false })
                .ok_or_else(unknown);
        }
        let (head, rest) = text.split_at_checked(5).ok_or_else(unknown)?;
        if !head.eq_ignore_ascii_case("ctrl-") && !head.eq_ignore_ascii_case("ctrl+") {
            return Err(unknown());
        }
        let c = match rest {
            "Space" | "space" => ' ',
            _ => only(rest).ok_or_else(unknown)?.to_ascii_lowercase(),
        };
        let same = |name| Err(KeyNameError::Same(name, text.to_owned()));
        match c {
            'i' => same("Tab"),
            'm' => same("Enter"),
            'h' => same("Backspace"),
            '[' => same("Esc"),
            'a'..='z' | ' ' | '\\' | ']' | '^' | '_' => {
                Ok(Self { code: KeyCode::Char(c), control: true })
            }
            _ => Err(unknown()),
        }
    }
}

/// The one character of a text that a keyboard writes and a cell shows.
fn only(text: &str) -> Option<char> {
    let mut all = text.chars();
    let c = all.next().filter(|c| c.width() == Some(1) && !c.is_whitespace())?;
    all.next().is_none().then_some(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_key() -> impl Strategy<Value = Key> {
        let named = proptest::sample::select(NAMES).prop_map(|(_, code)| code);
        let plain = prop_oneof![
            named,
            (1_u8..=12).prop_map(KeyCode::F),
            proptest::char::range('!', '~').prop_map(KeyCode::Char),
            Just(KeyCode::Char('ü')),
        ];
        let control = proptest::char::range('a', 'z')
            .prop_filter("another key", |c| !matches!(c, 'i' | 'm' | 'h'))
            .prop_map(|c| Key { code: KeyCode::Char(c), control: true });
        prop_oneof![plain.prop_map(|code| Key { code, control: false }), control]
    }

    proptest! {
        #[test]
        fn a_key_is_read_as_it_is_written(key in any_key()) {
            prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
            prop_assert_eq!(key.to_string().replace("Ctrl-", "ctrl+").parse::<Key>(), Ok(key));
        }

        #[test]
        fn no_text_that_names_no_key_is_taken_for_one(text in ".{0,12}") {
            if let Ok(key) = text.parse::<Key>() {
                prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
            }
        }
    }

    #[test]
    fn what_a_terminal_cannot_tell_apart_is_refused_with_the_name_to_write() {
        let refused = |text: &str| text.parse::<Key>().unwrap_err().to_string();
        assert_eq!(refused("Ctrl-i"), "a terminal sends Tab for Ctrl-i: write Tab");
        assert_eq!(refused("Ctrl-M"), "a terminal sends Enter for Ctrl-M: write Enter");
        for bad in
            ["", "Alt-x", "Ctrl-", "Ctrl-ab", "F0", "F13", "F+1", "F01", "ab", "日", "\u{1b}"]
        {
            assert!(refused(bad).starts_with("no key is called"), "{bad:?}");
        }
        assert_eq!("Ctrl-K".parse::<Key>().unwrap().to_string(), "Ctrl-k");
    }
}
