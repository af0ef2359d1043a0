//! What is done to a finished picture: matches marked, colours or all but ASCII taken out.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

use crate::session::layout::Area;

/// Marks what is searched for.
pub(crate) fn highlight(buf: &mut Buffer, area: Area, query: &str) {
    if query.is_empty() {
        return;
    }
    let query = query.to_lowercase();
    let area = Rect::new(area.x, area.y, area.width, area.height).intersection(buf.area);
    let style = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    for y in area.top()..area.bottom() {
        let mut text = String::new();
        let mut starts = Vec::new();
        for x in area.left()..area.right() {
            starts.push((text.len(), x));
            if let Some(cell) = buf.cell((x, y)) {
                text.push_str(&cell.symbol().to_lowercase());
            }
        }
        let hits: Vec<usize> = text.match_indices(&query).map(|(at, _)| at).collect();
        for at in hits {
            let inside = |(start, _): &&(usize, u16)| *start >= at && *start < at + query.len();
            for (_, x) in starts.iter().filter(inside) {
                if let Some(cell) = buf.cell_mut((*x, y)) {
                    cell.set_style(style);
                }
            }
        }
    }
}

/// Takes every colour out; bold, dim and reversed stay.
pub(crate) fn without_colour(buf: &mut Buffer) {
    for cell in &mut buf.content {
        cell.set_fg(Color::Reset).set_bg(Color::Reset);
    }
}

/// Replaces every character beyond ASCII by one of the same width.
pub(crate) fn to_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let Some(first) = cell.symbol().chars().next() else { continue };
        if !cell.symbol().is_ascii() {
            cell.set_char(plain(first));
        }
    }
}

const fn plain(c: char) -> char {
    match c {
        '─' | '–' | '▄' => '-',
        '▌' | '▐' | '┃' | '┊' => '|',
        '┌' | '┐' | '└' | '┘' | '┏' | '┓' | '┗' | '┛' | '┼' | '┴' | '┬' | '┤' => {
            '+'
        }
        '╳' => 'X',
        '▲' => '^',
        '▼' => 'v',
        '◆' => '%',
        '↻' => '@',
        '━' | '▅' | '‖' => '=',
        '▸' | '→' | '▶' | '»' => '>',
        '←' | '≤' | '‹' => '<',
        '│' => '|',
        '●' | '▇' => '*',
        '◐' | '…' => '~',
        '○' => 'o',
        '✗' => 'x',
        '✓' => 'v',
        '✎' => 'e',
        '·' | '▂' | '░' => '.',
        '▁' => '_',
        '▃' => ':',
        '▆' => '+',
        '█' => '#',
        'µ' => 'u',
        '␛'..='␟' | '␀'..='␚' => '^',
        _ => '?',
    }
}
