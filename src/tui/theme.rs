//! What a tone looks like, read from `assets/themes/`.

use std::{collections::BTreeMap, sync::LazyLock};

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::session::page::Tone;

/// The looks of all tones.
#[derive(Debug, Default)]
pub(super) struct Theme {
    styles: BTreeMap<Tone, Style>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Look {
    colour: Option<String>,
    bold: bool,
    dim: bool,
}

static THEME: LazyLock<Theme> = LazyLock::new(|| {
    // A file that cannot be read leaves every tone plain; a test keeps that from happening.
    Theme::read(include_str!("../../assets/themes/default.toml")).unwrap_or_default()
});

impl Theme {
    /// The theme in use.
    pub(super) fn get() -> &'static Self {
        &THEME
    }

    fn read(text: &str) -> Option<Self> {
        let looks: BTreeMap<Tone, Look> = toml::from_str(text).ok()?;
        let style = |look: Look| {
            let mut style = Style::new();
            if let Some(colour) = look.colour.and_then(|name| name.parse::<Color>().ok()) {
                style = style.fg(colour);
            }
            if look.bold {
                style = style.add_modifier(Modifier::BOLD);
            }
            if look.dim {
                style = style.add_modifier(Modifier::DIM);
            }
            style
        };
        Some(Self { styles: looks.into_iter().map(|(tone, look)| (tone, style(look))).collect() })
    }

    /// What a tone looks like.
    pub(super) fn style(&self, tone: Tone) -> Style {
        self.styles.get(&tone).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theme_is_complete_and_keeps_to_the_terminals_own_palette() {
        let theme = Theme::get();
        assert_eq!(theme.styles.len(), 7);
        for style in theme.styles.values() {
            assert!(style.bg.is_none());
            assert!(!matches!(style.fg, Some(Color::Rgb(..) | Color::Indexed(_))));
            // Grey, black and white vanish on one terminal or another.
            assert!(!matches!(
                style.fg,
                Some(Color::DarkGray | Color::Gray | Color::Black | Color::White)
            ));
        }
    }
}
