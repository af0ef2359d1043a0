//! The way of a request from top to bottom, one link below the other.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        Shown,
        chain::{Link, LinkState, Way},
        figures::localised,
        layout::Area,
        page::{Page, Tone, wrap},
    },
    tui::{
        Look,
        ink::Ink,
        widgets::{self, Title},
    },
};

/// Columns below which the word stands before what it speaks of: it must not be cut.
const NARROW: usize = 56;

/// Columns of the shape, or of the line between two links, and of the names.
const fn measures(width: usize) -> (usize, usize) {
    if width < NARROW { (2, 10) } else { (4, 11) }
}

/// How much of each link is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Every fact on a line of its own, with the line that leads to the next link.
    Whole,
    /// The first facts behind the head, with lines between the links.
    Joined,
    /// The first facts behind the head, a line only where it breaks.
    Short,
}

/// Draws the way and what is said of it.
pub(crate) fn ladder(
    buf: &mut Buffer,
    area: Area,
    (way, whence): (&Way, Ink),
    shown: &Shown<'_>,
    look: &Look,
) {
    let (_, inner) = area.split_top(1);
    let (_, inner) = inner.split_left(if area.width < 60 { 0 } else { 2 }, 0);
    let (width, height) = (usize::from(inner.width), usize::from(inner.height));
    let said = told(way, shown, look, width);
    let depths = [Depth::Whole, Depth::Joined, Depth::Short];
    let mut drawn = depths.map(|depth| links(way, depth, (shown, look), width)).into_iter();
    // What is said is worth more than facts; with little room the sentence alone stands there.
    let room = |lines: &Vec<Ink>| lines.len() + said.len() < height;
    let mut lines =
        drawn.find(room).unwrap_or_else(|| links(way, Depth::Short, (shown, look), width));
    let gap = lines.len() + said.len() < height && height > 10;
    lines.extend(gap.then(Ink::new));
    lines.extend(said);
    let hidden = lines.len().saturating_sub(height);
    let more = more_lines(hidden);
    title(buf, area, way, &more, whence);
    for (line, y) in lines.iter().zip(0..inner.height) {
        line.clone().cut(width).draw(buf, inner, y);
    }
}

/// What is said of lines that there is no room for.
pub(super) fn more_lines(hidden: usize) -> String {
    match hidden {
        0 => String::new(),
        1 => "1 more line: Enter".to_owned(),
        n => format!("{n} more lines: Enter"),
    }
}

/// The title line: whose way it is.
pub(super) fn title(buf: &mut Buffer, area: Area, way: &Way, more: &str, whence: Ink) {
    let address = way.links.get(2).map(|link| link.head.clone()).unwrap_or_default();
    let name = Ink::of(Tone::Strong, format!("The way to {address}"));
    let source = if more.is_empty() { whence } else { Ink::of(Tone::Muted, more) };
    widgets::title(buf, area, Title { name, source, ..Title::default() });
}

fn links(way: &Way, depth: Depth, (shown, look): (&Shown<'_>, &Look), width: usize) -> Vec<Ink> {
    let local = |text: &str| localised(text, &look.zone, shown.case.now.wall);
    let (rails, names) = measures(width);
    let mut lines = Vec::new();
    for (at, link) in way.links.iter().enumerate() {
        let broken = way.breaks == Some(at);
        if at > 0 {
            lines.extend(joint(way, at, depth));
        }
        let mut head = head(link, broken, width);
        if depth != Depth::Whole {
            for (tone, fact) in &link.facts {
                let tone = if *tone == Tone::Plain { Tone::Muted } else { *tone };
                let next = head.clone().put(Tone::Muted, " · ").put(tone, local(fact));
                if next.width() > width {
                    break;
                }
                head = next;
            }
        }
        lines.push(head);
        if depth == Depth::Whole {
            let next = way.breaks.is_some_and(|breaks| at + 1 == breaks);
            let rail = match (at + 1 < way.links.len(), next, passed(way, at)) {
                (false, ..) => Ink::of(Tone::Plain, " "),
                (_, true, _) => Ink::of(Tone::Bad, "┊"),
                (_, _, true) => Ink::of(Tone::Muted, "┊"),
                _ => Ink::of(Tone::Good, "│"),
            };
            for (tone, fact) in &link.facts {
                let parts = broken_up(&local(fact), width.saturating_sub(rails + names));
                for (n, part) in parts.into_iter().enumerate() {
                    let indent = if n > 0 { "  " } else { "" };
                    let line = rail.clone().pad(rails + names).put(Tone::Plain, indent);
                    lines.push(line.put(*tone, part));
                }
            }
        }
    }
    lines
}

/// Whether the request does not get as far as behind this link.
fn passed(way: &Way, at: usize) -> bool {
    way.breaks.is_some_and(|breaks| {
        at >= breaks && way.links.get(breaks).is_some_and(|l| l.state == LinkState::Broken)
    })
}

/// What stands between two links.
fn joint(way: &Way, at: usize, depth: Depth) -> Option<Ink> {
    let breaks = way.breaks == Some(at);
    let state = way.breaks.and_then(|breaks| way.links.get(breaks)).map(|link| link.state);
    let cut = breaks && state == Some(LinkState::Broken);
    match depth {
        _ if cut => {
            Some(Ink::of(Tone::Bad, "╳ ──╳── here it breaks: ").put(Tone::Bad, &way.reason))
        }
        Depth::Short => None,
        _ if passed(way, at - 1) => Some(Ink::of(Tone::Muted, "┊")),
        _ if breaks => Some(Ink::of(Tone::Warn, "│")),
        _ => Some(Ink::of(Tone::Good, "│")),
    }
}

fn head(link: &Link, broken: bool, width: usize) -> Ink {
    let tone = link.state.tone();
    let name = if broken { tone } else { Tone::Muted };
    let of = match link.state {
        LinkState::Absent => Tone::Muted,
        _ => Tone::Strong,
    };
    let (rails, names) = measures(width);
    let line =
        Ink::of(tone, link.state.mark()).pad(rails).then(Ink::of(name, link.name).pad(names));
    match (link.word.is_empty(), width < NARROW) {
        (true, _) => line.put(of, &link.head),
        (_, true) => line.put(tone, &link.word).put(Tone::Plain, " ").put(of, &link.head),
        (_, false) => line.put(of, &link.head).put(Tone::Plain, "  ").put(tone, &link.word),
    }
}

/// The sentence, the cause, and what should be there.
pub(super) fn told(way: &Way, shown: &Shown<'_>, look: &Look, width: usize) -> Vec<Ink> {
    const LABEL: usize = 11;
    let mut lines = Vec::new();
    let mut entry = |label: &str, of: Tone, tone: Tone, text: &str| {
        let text = localised(text, &look.zone, shown.case.now.wall);
        let room = width.saturating_sub(if label.is_empty() { 0 } else { LABEL });
        for (n, part) in broken_up(&text, room).into_iter().enumerate() {
            let lead = match (label, n) {
                ("", _) => Ink::new(),
                (label, 0) => Ink::of(of, label).pad(LABEL),
                _ => Ink::of(Tone::Plain, " ".repeat(LABEL)),
            };
            lines.push(lead.put(tone, part));
        }
    };
    let (tone, why) = &way.why;
    entry("", Tone::Plain, *tone, why);
    if let Some((cause, sure)) = &way.cause {
        entry("cause", Tone::Accent, Tone::Strong, &format!("{cause} ({sure}; 3 weighs it)"));
    }
    for (label, tone, text) in &way.should {
        entry(label, *tone, Tone::Plain, text);
    }
    for (state, text) in &way.others {
        entry("also", Tone::Muted, state.tone(), &format!("{} {text}", state.mark()));
    }
    lines
}

/// A text in lines of so many columns.
pub(super) fn broken_up(text: &str, width: usize) -> Vec<String> {
    const MARGIN: u16 = 2;
    let mut page = Page::default();
    page.text(Tone::Plain, text);
    let width = u16::try_from(width).unwrap_or(u16::MAX).saturating_add(MARGIN);
    let lines = wrap(&page, width, &jiff::tz::TimeZone::UTC, crate::observation::Wall::default());
    lines
        .iter()
        .map(|line| line.0.iter().skip(1).map(|run| run.text.as_str()).collect::<String>())
        .collect()
}
