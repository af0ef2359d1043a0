//! The way of a request from left to right, each link a box.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        Shown,
        chain::{Link, LinkState, Way},
        figures::localised,
        layout::Area,
        page::Tone,
    },
    tui::{Look, ink::Ink},
};

use super::ladder::{broken_up, more_lines, title, told};

/// Columns between two boxes.
const GAP: u16 = 5;
/// The fewest rows in which boxes and what is said of them are readable.
pub(super) const LEAST: u16 = 14;

/// Draws the way and what is said of it.
pub(super) fn boxes(buf: &mut Buffer, area: Area, way: &Way, shown: &Shown<'_>, look: &Look) {
    let (_, inner) = area.split_top(1);
    let count = u16::try_from(way.links.len()).unwrap_or(1).max(1);
    let width = (inner.width.saturating_sub(2 + GAP * (count - 1))) / count;
    let inside = usize::from(width.saturating_sub(4));
    let contents: Vec<Vec<Ink>> =
        way.links.iter().map(|link| content(link, (shown, look), inside)).collect();
    let said = told(way, shown, look, usize::from(inner.width.saturating_sub(4)));
    let tallest = contents.iter().map(Vec::len).max().unwrap_or(0);
    let room = usize::from(inner.height).saturating_sub(said.len() + 2).max(8);
    let height = u16::try_from((tallest + 2).min(room)).unwrap_or(u16::MAX).min(inner.height);
    let mut hidden = 0;
    let (top, below) = inner.split_top(height);
    for (at, (link, mut lines)) in way.links.iter().zip(contents).enumerate() {
        let x = top.x + 1 + u16::try_from(at).unwrap_or(0).saturating_mul(width + GAP);
        let area = Area { x, y: top.y, width, height };
        let fits = usize::from(height.saturating_sub(2));
        if lines.len() > fits {
            hidden += lines.len() - fits + 1;
            lines.truncate(fits.saturating_sub(1));
            lines.push(Ink::of(Tone::Muted, "…"));
        }
        frame(buf, area, link, way.breaks == Some(at), &lines);
        if at > 0 {
            let gap = Area { x: x.saturating_sub(GAP), y: top.y + 1, width: GAP, height: 1 };
            joint(way, at).draw(buf, gap, 0);
        }
    }
    let (_, below) = below.split_top(1);
    let (_, below) = below.split_left(2, 0);
    hidden += said.len().saturating_sub(usize::from(below.height));
    let more = more_lines(hidden);
    title(buf, area, way, &more, Ink::new());
    for (line, y) in said.iter().zip(0..below.height) {
        line.clone().cut(usize::from(below.width)).draw(buf, below, y);
    }
}

fn content(link: &Link, (shown, look): (&Shown<'_>, &Look), width: usize) -> Vec<Ink> {
    let mut lines = Vec::new();
    let state = if link.word.is_empty() { "nothing there" } else { &link.word };
    let tone = link.state.tone();
    lines.push(Ink::of(tone, format!("{} {state}", link.state.mark())).cut(width));
    let strong = if link.state == LinkState::Absent { Tone::Muted } else { Tone::Strong };
    lines.extend(broken_up(&link.head, width).into_iter().map(|part| Ink::of(strong, part)));
    for (tone, fact) in &link.facts {
        let text = localised(fact, &look.zone, shown.case.now.wall);
        let parts = broken_up(&text, width.saturating_sub(1));
        for (n, part) in parts.into_iter().enumerate() {
            let indent = if n > 0 { " " } else { "" };
            lines.push(Ink::of(Tone::Plain, indent).put(*tone, part));
        }
    }
    lines
}

/// A box with the name of its link in the upper border; heavy where it breaks.
fn frame(buf: &mut Buffer, area: Area, link: &Link, breaks: bool, lines: &[Ink]) {
    let tone = if breaks { link.state.tone() } else { Tone::Muted };
    let [corners, [level, upright]] =
        if breaks { [["┏", "┓"], ["━", "┃"]] } else { [["┌", "┐"], ["─", "│"]] };
    let feet = if breaks { ["┗", "┛"] } else { ["└", "┘"] };
    let wide = usize::from(area.width);
    let [left, right] = corners;
    let name = Ink::of(if breaks { tone } else { Tone::Accent }, format!(" {} ", link.name));
    let fill = level.repeat(wide.saturating_sub(3 + name.width()));
    let top = Ink::of(tone, format!("{left}{level}")).then(name).put(tone, fill).put(tone, right);
    top.cut(wide).draw(buf, area, 0);
    let last = area.height.saturating_sub(1);
    for y in 1..last {
        let line = lines.get(usize::from(y) - 1).cloned().unwrap_or_default();
        let line = line.pad(wide.saturating_sub(4));
        let row = Ink::of(tone, upright).put(Tone::Plain, " ").then(line);
        row.put(Tone::Plain, " ").put(tone, upright).draw(buf, area, y);
    }
    let [left, right] = feet;
    let fill = level.repeat(wide.saturating_sub(2));
    Ink::of(tone, format!("{left}{fill}{right}")).draw(buf, area, last);
}

/// What stands between two boxes.
fn joint(way: &Way, at: usize) -> Ink {
    let Some(breaks) = way.breaks else { return Ink::of(Tone::Good, "───▶ ") };
    let broken = way.links.get(breaks).is_some_and(|link| link.state == LinkState::Broken);
    match (at.cmp(&breaks), broken) {
        (std::cmp::Ordering::Less, _) => Ink::of(Tone::Good, "───▶ "),
        (std::cmp::Ordering::Equal, true) => Ink::of(Tone::Bad, "──╳──"),
        (std::cmp::Ordering::Equal, false) => Ink::of(Tone::Warn, "───▶ "),
        (std::cmp::Ordering::Greater, true) => Ink::of(Tone::Muted, " · · "),
        (std::cmp::Ordering::Greater, false) => Ink::of(Tone::Good, "───▶ "),
    }
}
