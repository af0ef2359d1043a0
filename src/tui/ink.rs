//! The one door through which text reaches the screen: everything is a [`Clean`] before it is a
//! cell. ratatui passes escapes and bidi characters through, so nothing else in `tui` makes a
//! span, a line or a cell from a string (`tests/screens.rs` reads the source for that).

use ratatui::{buffer::Buffer, style::Style, text::Span};
use unicode_width::UnicodeWidthStr;

use crate::{
    observation::Clean,
    session::{
        layout::Area,
        page::{Line, Tone},
    },
};

use super::theme::mark;

/// One line of toned text that is about to be drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Ink {
    parts: Vec<(Tone, Clean)>,
}

impl Ink {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// One piece.
    pub(super) fn of(tone: Tone, text: impl AsRef<str>) -> Self {
        Self::new().put(tone, text)
    }

    /// Adds a piece; whatever the text holds, it is made safe here.
    #[must_use]
    pub(super) fn put(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        if !text.as_ref().is_empty() {
            self.parts.push((tone, Clean::new(text.as_ref())));
        }
        self
    }

    /// Adds another ink.
    #[must_use]
    pub(super) fn then(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Its columns.
    pub(super) fn width(&self) -> usize {
        self.parts.iter().map(|(_, text)| columns(text)).sum()
    }

    /// Whether it is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Everything in one tone.
    #[must_use]
    pub(super) fn all(mut self, tone: Tone) -> Self {
        for part in &mut self.parts {
            part.0 = tone;
        }
        self
    }

    /// Cut to so many columns, with an ellipsis when something is lost.
    #[must_use]
    pub(super) fn cut(self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let mut left = width.saturating_sub(1);
        let mut cut = Self::new();
        for (tone, text) in self.parts {
            let mut kept = String::new();
            for (symbol, wide) in graphemes(&text) {
                if wide > left {
                    left = 0;
                    break;
                }
                left -= wide;
                kept.push_str(&symbol);
            }
            cut = cut.put(tone, kept);
            if left == 0 {
                break;
            }
        }
        if width > 0 { cut.put(Tone::Muted, "…") } else { cut }
    }

    /// In as many lines as it needs, broken between words where that goes; later lines are
    /// indented as far as the first.
    pub(super) fn broken(self, width: usize) -> Vec<Self> {
        let text: String = self.parts.iter().map(|(_, text)| text.as_str()).collect();
        let indent = text.chars().take_while(|c| *c == ' ').count().min(width / 2);
        let mut words: Vec<(Tone, String, usize)> = Vec::new();
        for (tone, text) in &self.parts {
            for (symbol, wide) in graphemes(text) {
                match words.last_mut() {
                    // A word ends behind its spaces.
                    Some((of, word, sum))
                        if of == tone && (symbol == " " || !word.ends_with(' ')) =>
                    {
                        word.push_str(&symbol);
                        *sum += wide;
                    }
                    _ => words.push((*tone, symbol, wide)),
                }
            }
        }
        let (mut lines, mut line, mut used) = (Vec::new(), Self::new(), 0);
        for (tone, word, wide) in words {
            let bare = word.trim_end_matches(' ');
            let spaces = word.len() - bare.len();
            if used + wide - spaces > width && used > indent {
                lines.push(std::mem::take(&mut line).cut(width));
                line = Self::of(Tone::Plain, " ".repeat(indent));
                used = indent;
            }
            // Spaces at the end of a line are not shown: they would be cut.
            let kept = (width.saturating_sub(used + wide - spaces)).min(spaces);
            line = line.put(tone, format!("{bare}{}", " ".repeat(kept)));
            used += wide;
        }
        lines.push(line.cut(width));
        lines
    }

    /// Cut or filled up on the right to so many columns.
    #[must_use]
    pub(super) fn pad(self, width: usize) -> Self {
        let ink = self.cut(width);
        let missing = width.saturating_sub(ink.width());
        ink.put(Tone::Plain, " ".repeat(missing))
    }

    /// Cut or filled up on the left to so many columns.
    #[must_use]
    pub(super) fn pad_left(self, width: usize) -> Self {
        let ink = self.cut(width);
        let missing = width.saturating_sub(ink.width());
        Self::of(Tone::Plain, " ".repeat(missing)).then(ink)
    }

    /// With `right` at the right edge, if it fits behind the first `least` columns.
    #[must_use]
    pub(super) fn with_right(self, right: Self, width: usize, least: usize) -> Self {
        let wide = right.width();
        if wide == 0 || wide + 2 + least.min(self.width()) > width {
            return self.cut(width);
        }
        self.pad(width - wide - 2).put(Tone::Plain, "  ").then(right)
    }

    /// Draws it into the row `y` of an area, counted from the area's top.
    pub(super) fn draw(&self, buf: &mut Buffer, area: Area, y: u16) {
        if y >= area.height {
            return;
        }
        let (mut x, mut left) = (area.x, usize::from(area.width));
        let row = area.y.saturating_add(y);
        for (tone, text) in &self.parts {
            if left == 0 || !buf.area.contains((x, row).into()) {
                return;
            }
            let (next, _) = buf.set_stringn(x, row, text.as_str(), left, mark(*tone));
            left = left.saturating_sub(usize::from(next.saturating_sub(x)));
            x = next;
        }
    }
}

impl From<&Line> for Ink {
    fn from(line: &Line) -> Self {
        line.0.iter().fold(Self::new(), |ink, run| ink.put(run.tone, run.text.as_str()))
    }
}

fn graphemes(text: &Clean) -> Vec<(String, usize)> {
    let span = Span::raw(text.as_str());
    let all = span.styled_graphemes(Style::new());
    all.map(|g| (g.symbol.to_owned(), g.symbol.width())).collect()
}

fn columns(text: &Clean) -> usize {
    if text.as_str().is_ascii() {
        return text.as_str().len();
    }
    graphemes(text).iter().map(|(_, wide)| wide).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ink: &Ink) -> String {
        ink.parts.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn wide_characters_are_cut_by_columns() {
        let ink = Ink::of(Tone::Plain, "日本語abc");
        assert_eq!(ink.width(), 9);
        assert_eq!(shown(&ink.clone().cut(5)), "日本…");
        assert_eq!(shown(&ink.clone().cut(6)), "日本…");
        assert_eq!(shown(&ink.clone().pad(6)), "日本… ");
        assert_eq!(shown(&ink.cut(0)), "");
    }

    #[test]
    fn a_line_is_broken_between_words_and_keeps_its_tones() {
        let ink = Ink::of(Tone::Plain, "  one ").put(Tone::Bad, "two three").put(Tone::Plain, ".");
        let lines = ink.broken(10);
        assert_eq!(lines.iter().map(shown).collect::<Vec<_>>(), ["  one two ", "  three."]);
        assert!(
            lines[1]
                .parts
                .iter()
                .any(|(tone, text)| *tone == Tone::Bad && text.as_str() == "three")
        );
        let long = Ink::of(Tone::Plain, "abcdefghijkl").broken(4);
        assert_eq!(long.iter().map(shown).collect::<Vec<_>>(), ["abc…"]);
    }

    #[test]
    fn an_escape_cannot_pass() {
        assert_eq!(shown(&Ink::of(Tone::Plain, "a\u{1b}[2Jb")), "a␛[2Jb");
    }
}
