//! What tones look like: themes, read from `assets/themes/` or from a file of the person's own.
//!
//! A cell carries its tone until the picture is finished; then [`Theme::dress`] gives it its look.
//! So whatever draws knows meanings only, and a theme can be changed while the screen is up.

use std::collections::BTreeMap;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier, Style},
};
use serde::Deserialize;

use crate::session::page::Tone;

use super::colours::{nearest, rgb_of};

/// Every tone, in the order of its mark.
const TONES: [Tone; 7] =
    [Tone::Plain, Tone::Strong, Tone::Muted, Tone::Good, Tone::Warn, Tone::Bad, Tone::Accent];
/// Marks of a selected row stand so far behind the plain ones.
const SELECTED: u8 = 16;

/// The built-in themes: name, file.
const EMBEDDED: [(&str, &str); 7] = [
    ("default", include_str!("../../assets/themes/default.toml")),
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    ("high-contrast", include_str!("../../assets/themes/high-contrast.toml")),
    ("deuteranopia", include_str!("../../assets/themes/deuteranopia.toml")),
    ("tritanopia", include_str!("../../assets/themes/tritanopia.toml")),
    ("monochrome", include_str!("../../assets/themes/monochrome.toml")),
];

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// The sixteen of its own palette.
    #[default]
    Sixteen,
    /// xterm's 256.
    Indexed,
    /// All.
    True,
}

/// The looks of all tones.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    name: String,
    file: File,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What stands behind everything; without it the terminal's own.
    ground: Option<Dress>,
    tones: BTreeMap<Tone, Dress>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Dress {
    /// A colour of the terminal's palette by its name.
    colour: Option<String>,
    /// `#rrggbb`, where the terminal has more than its palette.
    rgb: Option<String>,
    bold: bool,
    /// Only where its `rgb` is not shown.
    dim: bool,
}

impl Dress {
    fn colour(&self, depth: Depth) -> Option<Color> {
        let rgb = self.rgb.as_deref().and_then(rgb_of);
        let named = || self.colour.as_ref().and_then(|name| name.parse().ok());
        match (depth, rgb) {
            (Depth::True, Some((r, g, b))) => Some(Color::Rgb(r, g, b)),
            (Depth::Indexed, Some(rgb)) => Some(Color::Indexed(nearest(rgb))),
            _ => named(),
        }
    }

    fn modifier(&self, depth: Depth) -> Modifier {
        let mut all = Modifier::empty();
        all.set(Modifier::BOLD, self.bold);
        all.set(Modifier::DIM, self.dim && (self.rgb.is_none() || depth == Depth::Sixteen));
        all
    }

    fn flaw(&self) -> Option<String> {
        let rgb = self.rgb.as_ref().filter(|text| rgb_of(text).is_none());
        let name = self.colour.as_ref().filter(|text| {
            let known = text.parse::<Color>();
            !matches!(known, Ok(colour) if !matches!(colour, Color::Rgb(..) | Color::Indexed(_)))
        });
        rgb.map(|text| format!("{text:?} is no colour: write #rrggbb"))
            .or_else(|| name.map(|text| format!("{text:?} is no colour of a terminal's palette")))
    }
}

/// The mark of a tone, until the picture is finished.
pub(super) fn mark(tone: Tone) -> Style {
    let at = TONES.iter().position(|t| *t == tone).and_then(|at| u8::try_from(at).ok());
    Style::new().fg(Color::Indexed(at.unwrap_or(0)))
}

/// Marks a cell of a selected row: reversed as a whole, visible on every palette and without one.
pub(super) fn select(cell: &mut Cell) {
    if let Color::Indexed(mark) = cell.fg
        && mark < SELECTED
    {
        cell.set_fg(Color::Indexed(mark + SELECTED));
    }
    cell.modifier.insert(Modifier::REVERSED);
}

impl Theme {
    /// The built-in themes; the first is the one that nobody chose.
    pub fn embedded() -> Vec<Self> {
        // A file that cannot be read is left out; a test keeps that from happening.
        EMBEDDED.iter().filter_map(|(name, text)| Self::read(name, text).ok()).collect()
    }

    /// Reads a theme.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let missing = TONES.iter().find(|tone| !file.tones.contains_key(tone));
        if let Some(tone) = missing {
            return Err(format!("the tone {} is missing", format!("{tone:?}").to_lowercase()));
        }
        match file.tones.values().chain(&file.ground).find_map(Dress::flaw) {
            Some(flaw) => Err(flaw),
            None => Ok(Self { name: name.to_owned(), file }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn dressed(&self, tone: Tone, depth: Depth) -> (Option<Color>, Modifier) {
        let dress = self.file.tones.get(&tone);
        dress.map_or((None, Modifier::empty()), |d| (d.colour(depth), d.modifier(depth)))
    }

    /// Gives every marked cell its look.
    pub(super) fn dress(&self, buf: &mut Buffer, depth: Depth) {
        let looks = TONES.map(|tone| self.dressed(tone, depth));
        let plain = looks.first().and_then(|(colour, _)| *colour).unwrap_or(Color::Reset);
        let ground = self.file.ground.as_ref().and_then(|ground| ground.colour(depth));
        for cell in &mut buf.content {
            let (colour, added) = match cell.fg {
                Color::Indexed(mark) if mark < SELECTED => {
                    let look = looks.get(usize::from(mark)).copied().unwrap_or_default();
                    (look.0.unwrap_or(Color::Reset), look.1)
                }
                // Dim and reversed is hard to read.
                Color::Indexed(mark) => {
                    let look = looks.get(usize::from(mark - SELECTED)).copied().unwrap_or_default();
                    (plain, look.1.difference(Modifier::DIM))
                }
                _ => (plain, Modifier::empty()),
            };
            cell.fg = colour;
            cell.modifier.insert(added);
            if let Some(ground) = ground {
                cell.bg = ground;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::colours::*, *};

    fn theme(name: &str) -> Theme {
        Theme::embedded().into_iter().find(|theme| theme.name == name).unwrap()
    }

    fn rgb(theme: &Theme, tone: Tone) -> Rgb {
        theme.file.tones[&tone].rgb.as_deref().and_then(rgb_of).unwrap()
    }

    fn ground(theme: &Theme) -> Option<Rgb> {
        theme.file.ground.as_ref()?.rgb.as_deref().and_then(rgb_of)
    }

    #[test]
    fn every_built_in_theme_can_be_read_and_says_what_each_tone_looks_like() {
        let names: Vec<String> = Theme::embedded().into_iter().map(|t| t.name).collect();
        assert_eq!(names, EMBEDDED.map(|(name, _)| name));
        let flaw = Theme::read("x", "[tones.plain]").unwrap_err();
        assert_eq!(flaw, "the tone strong is missing");
        for (bad, word) in [
            ("ground = { rgb = \"red\" }", "#rrggbb"),
            ("ground = { colour = \"rde\" }", "palette"),
        ] {
            let text = EMBEDDED[0].1;
            assert!(Theme::read("x", &format!("{bad}\n{text}")).unwrap_err().contains(word));
        }
    }

    #[test]
    fn the_theme_that_nobody_chose_keeps_to_the_terminals_own_palette() {
        let theme = theme("default");
        assert!(theme.file.ground.is_none());
        for tone in TONES {
            for depth in [Depth::Sixteen, Depth::Indexed, Depth::True] {
                let (colour, _) = theme.dressed(tone, depth);
                // Grey, black and white vanish on one terminal or another.
                let never = [Color::DarkGray, Color::Gray, Color::Black, Color::White];
                assert!(!matches!(colour, Some(Color::Rgb(..) | Color::Indexed(_))));
                assert!(colour.is_none_or(|colour| !never.contains(&colour)));
            }
        }
    }

    #[test]
    fn every_tone_can_be_read_on_the_ground_of_its_theme() {
        for theme in Theme::embedded() {
            let Some(ground) = ground(&theme) else { continue };
            let least = if theme.name == "high-contrast" { 7.0 } else { 4.5 };
            for tone in TONES {
                let full = contrast(rgb(&theme, tone), ground);
                assert!(full >= least, "{} {tone:?}: {full:.2}", theme.name);
                let few = |rgb| rgb_at(nearest(rgb));
                let few = contrast(few(rgb(&theme, tone)), few(ground));
                assert!(few >= 4.5, "{} {tone:?} in 256 colours: {few:.2}", theme.name);
            }
        }
    }

    #[test]
    fn good_warn_and_bad_are_told_apart_by_the_eyes_that_a_theme_is_for() {
        let eyes: [(&str, &[Eyes]); 5] = [
            ("dark", &[Eyes::Usual]),
            ("light", &[Eyes::Usual]),
            ("high-contrast", &[Eyes::Usual]),
            ("deuteranopia", &[Eyes::Usual, Eyes::Deuteranopia, Eyes::Protanopia]),
            ("tritanopia", &[Eyes::Usual, Eyes::Tritanopia]),
        ];
        for (name, eyes) in eyes {
            let theme = theme(name);
            for eyes in eyes {
                let [good, warn, bad] = [Tone::Good, Tone::Warn, Tone::Bad]
                    .map(|tone| lab(seen_by(rgb(&theme, tone), *eyes)));
                for (one, other) in [(good, warn), (warn, bad), (good, bad)] {
                    let apart = distance(one, other);
                    assert!(apart >= 25.0, "{name} {eyes:?}: {apart:.1}");
                }
            }
        }
    }

    #[test]
    fn nothing_of_a_monochrome_theme_is_coloured() {
        let theme = theme("monochrome");
        assert!(theme.file.ground.is_none());
        assert!(TONES.iter().all(|tone| theme.dressed(*tone, Depth::True).0.is_none()));
    }
}
