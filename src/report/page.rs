//! Plain text in so many columns, with or without colours.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// Columns of the names of entries.
const NAMES: usize = 16;
/// Columns in front of a row of a report.
const MARGIN: usize = 3;

/// How a page is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns of a line.
    pub columns: usize,
    /// Whether colours are wanted; they never carry what the words do not say.
    pub colour: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { columns: 80, colour: false }
    }
}

/// What a piece of text is, for those who see colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Strong,
    Faint,
    Good,
    Warning,
    Bad,
}

impl Ink {
    /// ECMA-48 SGR parameters.
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Warning => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// A page of plain text that is written from top to bottom. Texts given to it must be sanitised.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    layout: Layout,
}

impl Page {
    /// An empty page.
    pub(super) const fn new(layout: Layout) -> Self {
        Self { text: String::new(), layout }
    }

    /// The first line.
    pub(super) fn title(&mut self, text: &str) {
        self.wrapped("", "", text, Ink::Plain);
        self.blank();
    }

    /// A heading with an empty line above.
    pub(super) fn heading(&mut self, text: &str) {
        self.blank();
        self.wrapped("", "", &format!("{text}:"), Ink::Plain);
    }

    /// A paragraph.
    pub(super) fn text(&mut self, text: &str) {
        self.wrapped("", "", text, Ink::Plain);
    }

    /// A heading and an indented paragraph.
    pub(super) fn section(&mut self, heading: &str, text: &str) {
        self.heading(heading);
        self.wrapped("  ", "  ", text, Ink::Plain);
    }

    /// A name and what it stands for.
    pub(super) fn entry(&mut self, name: &str, text: &str) {
        self.row(name, NAMES, text);
    }

    /// As [`Page::entry`], with names of so many columns.
    pub(super) fn row(&mut self, name: &str, columns: usize, text: &str) {
        let first = format!("  {name:columns$}");
        self.wrapped(&first, &" ".repeat(columns + 2), text, Ink::Plain);
    }

    /// One line of a list.
    pub(super) fn item(&mut self, text: &str) {
        self.wrapped("  ", "    ", text, Ink::Plain);
    }

    /// One line below a line of a list.
    pub(super) fn deeper(&mut self, text: &str) {
        self.wrapped("      ", "        ", text, Ink::Plain);
    }

    /// A paragraph that begins with a mark such as `1.` and is set off by it.
    pub(super) fn marked(&mut self, mark: &str, text: &str, ink: Ink) {
        let first = format!("{mark:MARGIN$}");
        self.wrapped(&first, &" ".repeat(MARGIN), text, ink);
    }

    /// A label of so many columns and what belongs to it, below a marked paragraph.
    pub(super) fn labelled(&mut self, label: (&str, Ink), columns: usize, text: &str, ink: Ink) {
        let (label, label_ink) = label;
        let room = columns.saturating_sub(visible(label));
        let painted = self.painted(label, label_ink);
        let first = format!("{}{painted}{}", " ".repeat(MARGIN), " ".repeat(room));
        self.wrapped(&first, &" ".repeat(MARGIN + columns), text, ink);
    }

    /// As [`Page::labelled`], never broken: for what is copied.
    pub(super) fn whole(&mut self, label: (&str, Ink), columns: usize, text: &str, ink: Ink) {
        let (label, label_ink) = label;
        let room = columns.saturating_sub(visible(label));
        let line = format!(
            "{}{}{}{}",
            " ".repeat(MARGIN),
            self.painted(label, label_ink),
            " ".repeat(room),
            self.painted(text, ink)
        );
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A row of cells of these columns, and a last one that may be broken: beside them where there
    /// is room, below them otherwise. The first cell is coloured.
    pub(super) fn cells(&mut self, cells: &[(&str, usize)], ink: Ink, last: &str) {
        const LEAST: usize = 20;
        let mut label = String::new();
        for (at, (cell, columns)) in cells.iter().enumerate() {
            let room = columns.saturating_sub(visible(cell));
            label.push_str(&if at == 0 { self.painted(cell, ink) } else { (*cell).to_owned() });
            label.push_str(&" ".repeat(room + 2));
        }
        let columns = visible(&label);
        if MARGIN + columns + LEAST.min(visible(last)) <= self.layout.columns {
            self.labelled((&label, Ink::Plain), columns, last, Ink::Plain);
        } else {
            let first = cells.first().map_or(0, |(_, columns)| columns + 2);
            self.whole((&label, Ink::Plain), 0, "", Ink::Plain);
            self.labelled(("", Ink::Plain), first, last, Ink::Plain);
        }
    }

    /// A line of its own with a coloured beginning.
    pub(super) fn headline(&mut self, word: &str, ink: Ink, rest: &str) {
        let first = format!("{} ", self.painted(word, ink));
        self.wrapped(&first, "  ", rest, Ink::Plain);
    }

    /// An empty line, unless one is there.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// The whole page, ending in one line break.
    pub(super) fn finish(self) -> String {
        let mut text = self.text.trim_end().to_owned();
        text.push('\n');
        text
    }

    fn painted(&self, text: &str, ink: Ink) -> String {
        match ink.code().filter(|_| self.layout.colour && !text.is_empty()) {
            Some(code) => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            None => text.to_owned(),
        }
    }

    /// Writes words, breaking lines between them, and a word that is wider than a line inside.
    fn wrapped(&mut self, first: &str, next: &str, text: &str, ink: Ink) {
        let mut column = visible(first);
        let start = visible(next);
        let mut line = String::new();
        let mut prefix = first.to_owned();
        let mut fresh = true;
        for word in text.split_whitespace() {
            let wide: usize = word.chars().map(width).sum();
            if !fresh && column + 1 + wide > self.layout.columns {
                self.line(&mut prefix, next, &mut line, ink);
                column = start;
            } else if !fresh {
                line.push(' ');
                column += 1;
            }
            for c in word.chars() {
                if column + width(c) > self.layout.columns && column > start {
                    self.line(&mut prefix, next, &mut line, ink);
                    column = start;
                }
                line.push(c);
                column += width(c);
            }
            fresh = false;
        }
        self.line(&mut prefix, next, &mut line, ink);
    }

    fn line(&mut self, prefix: &mut String, next: &str, line: &mut String, ink: Ink) {
        let painted = self.painted(line, ink);
        let _ = writeln!(self.text, "{}", format!("{prefix}{painted}").trim_end());
        next.clone_into(prefix);
        line.clear();
    }
}

fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Columns of a prefix, colours not counted.
fn visible(text: &str) -> usize {
    let mut columns = 0;
    let mut colour = false;
    for c in text.chars() {
        match (colour, c) {
            (false, '\u{1b}') => colour = true,
            (true, 'm') => colour = false,
            (true, _) => {}
            (false, _) => columns += width(c),
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_room_and_are_closed_on_every_line() {
        let words = "these words are too many for one narrow line of thirty columns";
        let page = |colour| {
            let mut page = Page::new(Layout { columns: 30, colour });
            page.labelled(("down", Ink::Bad), 6, words, Ink::Strong);
            page.finish()
        };
        let painted = page(true);
        for line in painted.lines() {
            assert!(line.ends_with("\u{1b}[0m") && visible(line) <= 30, "{line:?}");
        }
        let plain: String = {
            let mut out = painted;
            for code in ["1", "31", "0"] {
                out = out.replace(&format!("\u{1b}[{code}m"), "");
            }
            out
        };
        assert_eq!(plain, page(false));
    }

    #[test]
    fn a_command_is_never_broken() {
        let mut page = Page::new(Layout { columns: 20, colour: false });
        let id = "a".repeat(64);
        page.whole(("repair", Ink::Plain), 8, &format!("docker start {id}"), Ink::Strong);
        assert_eq!(page.finish().lines().count(), 1);
    }
}
