//! A page of details: blocks of text, and how they break into lines of a given width. What it
//! looks like in colour is not known here; how much of it fits on a screen is.

use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthChar;

use crate::observation::{Clean, Wall};

use super::{
    figures::{day_clock, localised},
    layout::Area,
};

/// Widest line of a page: longer ones are hard to read.
const MEASURE: u16 = 112;
/// Columns of the labels of entries.
const LABEL: usize = 13;
/// Lines of one page at most.
const LINES: usize = 2_000;

/// What a piece of text means; the theme says what that looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Ordinary.
    #[default]
    Plain,
    /// What the eye should find first.
    Strong,
    /// What may be passed over.
    Muted,
    /// In order.
    Good,
    /// Not in order, and not down.
    Warn,
    /// Broken.
    Bad,
    /// Where the keys go; names of keys.
    Accent,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its meaning.
    pub tone: Tone,
    /// Its text, safe for a screen.
    pub text: Clean,
}

/// A line that fits the width.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Run>);

impl Line {
    /// Its text alone.
    pub fn text(&self) -> String {
        self.0.iter().map(|run| run.text.as_str()).collect()
    }
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// An empty line.
    Gap,
    /// A heading.
    Heading(String),
    /// A paragraph.
    Text(Tone, String),
    /// A value with its name.
    Entry(String, Tone, String),
    /// Something that happened or was seen, with a mark, its time and where it was read.
    Event(char, Tone, Option<Wall>, String, String),
    /// A log line.
    Log(Option<Wall>, Tone, String),
    /// Text that somebody else wrote, behind a bar on every line, so that it cannot be taken for
    /// this program's own.
    Quote(Tone, String),
    /// The same, told by this program from what it saw: times in it are shown in local time.
    Told(Tone, String),
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Its parts.
    pub blocks: Vec<Block>,
}

impl Page {
    /// An empty page.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    /// Adds a heading, with an empty line before it.
    pub fn heading(&mut self, text: impl Into<String>) {
        if !self.blocks.is_empty() {
            self.blocks.push(Block::Gap);
        }
        self.blocks.push(Block::Heading(text.into()));
    }

    /// Adds a paragraph.
    pub fn text(&mut self, tone: Tone, text: impl Into<String>) {
        self.blocks.push(Block::Text(tone, text.into()));
    }

    /// Adds a heading and a paragraph.
    pub fn section(&mut self, heading: &str, text: impl Into<String>) {
        self.heading(heading);
        self.text(Tone::Plain, text);
    }

    /// The same with an empty line behind everything that is listed, to be read from afar.
    #[must_use]
    pub fn aired(&self) -> Self {
        let mut blocks = Vec::with_capacity(self.blocks.len() * 2);
        for block in &self.blocks {
            blocks.push(block.clone());
            if matches!(block, Block::Event(..) | Block::Heading(_)) {
                blocks.push(Block::Gap);
            }
        }
        blocks.dedup_by(|a, b| *a == Block::Gap && *b == Block::Gap);
        Self { title: self.title.clone(), blocks }
    }

    /// Adds a value with its name.
    pub fn entry(&mut self, label: impl Into<String>, text: impl Into<String>) {
        self.blocks.push(Block::Entry(label.into(), Tone::Plain, text.into()));
    }

    /// Adds a value with its name and meaning.
    pub fn toned(&mut self, label: impl Into<String>, tone: Tone, text: impl Into<String>) {
        self.blocks.push(Block::Entry(label.into(), tone, text.into()));
    }
}

/// Columns of a page's text.
pub fn text_width(area: Area) -> u16 {
    area.width.saturating_sub(4).min(MEASURE)
}

/// Lines of a page that are visible at once.
pub const fn text_height(area: Area) -> u16 {
    area.height.saturating_sub(1)
}

/// Breaks a page into lines.
pub fn wrap(page: &Page, width: u16, zone: &TimeZone, now: Wall) -> Vec<Line> {
    let mut out = Wrapped { width: usize::from(width).max(8), lines: Vec::new() };
    let local = |text: &str| localised(text, zone, now);
    let clock = |at: &Option<Wall>| {
        at.map(|at| format!("{} ", day_clock(at, zone, now))).unwrap_or_default()
    };
    for block in &page.blocks {
        if out.lines.len() >= LINES {
            out.lines.push(Line(vec![run(Tone::Muted, "… and more that is not shown")]));
            break;
        }
        match block {
            Block::Gap => out.lines.push(Line::default()),
            Block::Heading(text) => out.put(Vec::new(), 0, Tone::Strong, &local(text)),
            Block::Text(tone, text) => {
                out.put(vec![run(Tone::Plain, "  ")], 2, *tone, &local(text));
            }
            Block::Entry(label, tone, text) => {
                let label = format!("  {label:LABEL$} ");
                out.put(vec![run(Tone::Muted, &label)], LABEL + 3, *tone, &local(text));
            }
            Block::Event(mark, tone, at, text, origin) => {
                let head = vec![run(*tone, &format!("  {mark} ")), run(Tone::Muted, &clock(at))];
                out.put(head, 4, Tone::Plain, &local(text));
                if !origin.is_empty() {
                    out.put(vec![run(Tone::Plain, "    ")], 4, Tone::Muted, origin);
                }
            }
            Block::Quote(tone, text) => out.quote(*tone, text),
            Block::Told(tone, text) => out.quote(*tone, &local(text)),
            Block::Log(at, tone, text) => {
                out.put(vec![run(Tone::Muted, &format!("  {}", clock(at)))], 4, *tone, text);
            }
        }
    }
    out.lines
}

fn run(tone: Tone, text: &str) -> Run {
    Run { tone, text: Clean::new(text) }
}

fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

struct Wrapped {
    width: usize,
    lines: Vec<Line>,
}

impl Wrapped {
    /// Writes a text behind `head`, breaking between words, and inside a word that is wider than
    /// a line; later lines are indented.
    fn put(&mut self, head: Vec<Run>, indent: usize, tone: Tone, text: &str) {
        let clean = Clean::new(text);
        let indent = indent.min(self.width / 2);
        let mut used: usize = head.iter().map(|run| columns(run.text.as_str())).sum();
        let mut line = Line(head);
        let mut part = String::new();
        let mut fresh = true;
        for word in clean.as_str().split(' ') {
            let wide = columns(word);
            if !fresh {
                if used + 1 + wide > self.width && used > indent {
                    self.close(&mut line, tone, &mut part, indent);
                    used = indent;
                } else {
                    part.push(' ');
                    used += 1;
                }
            }
            fresh = false;
            for c in word.chars() {
                let wide = c.width().unwrap_or(0);
                if used + wide > self.width && used > indent {
                    self.close(&mut line, tone, &mut part, indent);
                    used = indent;
                }
                part.push(c);
                used += wide;
            }
        }
        line.0.push(run(tone, &part));
        self.lines.push(line);
    }

    /// Writes a text of somebody else, with a bar before each of its lines.
    fn quote(&mut self, tone: Tone, text: &str) {
        const BAR: &str = "  │ ";
        let from = self.lines.len();
        self.put(vec![run(Tone::Accent, BAR)], columns(BAR), tone, text);
        for line in self.lines.iter_mut().skip(from + 1) {
            if let Some(head) = line.0.first_mut() {
                *head = run(Tone::Accent, BAR);
            }
        }
    }

    fn close(&mut self, line: &mut Line, tone: Tone, part: &mut String, indent: usize) {
        line.0.push(run(tone, part));
        part.clear();
        let next = Line(vec![run(Tone::Plain, &" ".repeat(indent))]);
        self.lines.push(std::mem::replace(line, next));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_page(text in ".{0,200}", width in 10_u16..60) {
            let mut page = Page::new("x");
            page.text(Tone::Plain, text.clone());
            page.entry("label", text.clone());
            page.blocks.push(Block::Log(Some(Wall(0)), Tone::Plain, text));
            for line in wrap(&page, width, &TimeZone::UTC, Wall(0)) {
                let head = LABEL + 3;
                prop_assert!(columns(&line.text()) <= usize::from(width).max(head + 2));
            }
        }
    }
}
