//! Plain text in 80 columns.

use unicode_width::UnicodeWidthChar;

/// Columns of a page.
const WIDTH: usize = 80;
/// Columns of the names of entries.
const NAMES: usize = 16;

/// A page of plain text that is written from top to bottom. Texts given to it must be sanitised.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    /// The first line.
    pub(super) fn title(&mut self, text: &str) {
        self.wrapped("", "", text);
        self.blank();
    }

    /// A heading with an empty line above.
    pub(super) fn heading(&mut self, text: &str) {
        self.blank();
        self.wrapped("", "", &format!("{text}:"));
    }

    /// A paragraph.
    pub(super) fn text(&mut self, text: &str) {
        self.wrapped("", "", text);
    }

    /// A heading and an indented paragraph.
    pub(super) fn section(&mut self, heading: &str, text: &str) {
        self.heading(heading);
        self.wrapped("  ", "  ", text);
    }

    /// A name and what it stands for.
    pub(super) fn entry(&mut self, name: &str, text: &str) {
        self.row(name, NAMES, text);
    }

    /// As [`Page::entry`], with names of so many columns.
    pub(super) fn row(&mut self, name: &str, columns: usize, text: &str) {
        let first = format!("  {name:columns$}");
        self.wrapped(&first, &" ".repeat(columns + 2), text);
    }

    /// One line of a list.
    pub(super) fn item(&mut self, text: &str) {
        self.wrapped("  ", "    ", text);
    }

    /// One line below a line of a list.
    pub(super) fn deeper(&mut self, text: &str) {
        self.wrapped("      ", "        ", text);
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

    /// Writes words, breaking lines between them, and a word that is wider than a line inside.
    fn wrapped(&mut self, first: &str, next: &str, text: &str) {
        self.text.push_str(first);
        let mut column = first.chars().map(columns).sum::<usize>();
        let start = next.chars().map(columns).sum::<usize>();
        let mut fresh = true;
        for word in text.split_whitespace() {
            let wide: usize = word.chars().map(columns).sum();
            if !fresh && column + 1 + wide > WIDTH {
                self.text.push('\n');
                self.text.push_str(next);
                column = start;
            } else if !fresh {
                self.text.push(' ');
                column += 1;
            }
            for c in word.chars() {
                if column + columns(c) > WIDTH {
                    self.text.push('\n');
                    self.text.push_str(next);
                    column = start;
                }
                self.text.push(c);
                column += columns(c);
            }
            fresh = false;
        }
        self.text.push('\n');
    }
}

fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}
