//! Pictures of a view at every size that matters: its text, its styles as a map of letters, and
//! what is left of it without colour and beyond ASCII.

use ratatui::{buffer::Buffer, style::Color, style::Modifier};

use super::{Event, Host, Look, drawn, drawn_as, lines, look, press, text_of};

/// A wall of a terminal, a usual one, a small one, and a corner of a screen.
pub const SIZES: [(u16, u16); 4] = [(200, 50), (120, 40), (80, 24), (40, 15)];

/// Asserts the pictures of what the keys lead to.
pub fn pictures(name: &str, host: fn() -> Host, keys: &str) {
    for (width, height) in SIZES {
        let mut host = host();
        host.event(&Event::Resize(width, height));
        press(&mut host, keys);
        let buf = drawn(&mut host, (width, height));
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text_of(&buf));
        let plain = Look { colour: false, ascii: true, ..look() };
        let mono = drawn_as(&host.model, (width, height), &plain);
        assert!(text_of(&mono).is_ascii());
        let coloured = |c: &ratatui::buffer::Cell| c.fg != Color::Reset || c.bg != Color::Reset;
        assert!(!mono.content.iter().any(coloured));
        if width == 80 {
            insta::assert_snapshot!(format!("{name}_ascii"), text_of(&mono));
            insta::assert_snapshot!(format!("{name}_styles"), styles(&buf));
        }
    }
}

/// The styles of a picture: a letter for each cell, upper case where it is bold.
fn styles(buf: &Buffer) -> String {
    let letter = |x: u16, y: u16| {
        let cell = &buf[(x, y)];
        let has = |m| cell.modifier.contains(m);
        let c = match cell.fg {
            _ if has(Modifier::REVERSED) => '#',
            Color::Red | Color::LightRed => 'r',
            Color::Green | Color::LightGreen => 'g',
            Color::Yellow | Color::LightYellow => 'y',
            Color::Cyan | Color::LightCyan => 'c',
            _ if cell.symbol() == " " => ' ',
            _ if has(Modifier::DIM) => '-',
            _ => 'p',
        };
        if has(Modifier::BOLD) { c.to_ascii_uppercase() } else { c }
    };
    let rows = (0..lines(buf).len()).map(|y| {
        let y = u16::try_from(y).unwrap();
        (0..buf.area.width).map(|x| letter(x, y)).collect::<String>().trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}
