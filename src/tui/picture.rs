//! A screen as files: as text, and as SVG in its colours.

use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use unicode_width::UnicodeWidthStr;

use super::{Snapshot, draw, svg::svg};

/// A screen that can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its characters, line by line.
    pub text: String,
    /// Its looks.
    pub svg: String,
}

/// What a snapshot looks like on a screen of so many columns and rows.
pub fn picture(snapshot: &Snapshot<'_>, (columns, rows): (u16, u16)) -> Picture {
    // Memory does not fail; the type says so.
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    let Ok(_) = terminal.draw(|frame| draw(frame, snapshot));
    let buf = terminal.backend().buffer();
    Picture { text: text(buf), svg: svg(buf) }
}

fn text(buf: &Buffer) -> String {
    let mut all = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut line = String::new();
        let mut covered = 0;
        for x in buf.area.left()..buf.area.right() {
            let symbol = buf.cell((x, y)).map_or(" ", |cell| cell.symbol());
            if covered == 0 {
                line.push_str(symbol);
                covered = symbol.width().max(1);
            }
            covered -= 1;
        }
        all.push_str(line.trim_end());
        all.push('\n');
    }
    all
}
