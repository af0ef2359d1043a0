//! A finished picture as SVG, in the colours of its theme, else in those of a dark terminal.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use super::colours::rgb_at;

const CELL: (f64, f64) = (8.43, 18.0);
const MARGIN: f64 = 14.0;
const BACK: &str = "#14171c";
const FORE: &str = "#d5dae2";

fn colour(colour: Color, otherwise: &str) -> String {
    let named = match colour {
        Color::Rgb(r, g, b) => return format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(index) if index >= 16 => {
            let (r, g, b) = rgb_at(index);
            return format!("#{r:02x}{g:02x}{b:02x}");
        }
        Color::Red | Color::LightRed => "#f47067",
        Color::Green | Color::LightGreen => "#73c990",
        Color::Yellow | Color::LightYellow => "#e2b45a",
        Color::Cyan | Color::LightCyan => "#62b8d3",
        Color::Blue | Color::LightBlue => "#6ea8fe",
        Color::Magenta | Color::LightMagenta => "#c792ea",
        Color::White => "#ffffff",
        Color::Gray => "#c8c8c8",
        Color::Black => "#000000",
        _ => otherwise,
    };
    named.to_owned()
}

/// What stands behind all of a picture.
fn ground(buf: &Buffer) -> String {
    buf.content.first().map_or_else(|| BACK.to_owned(), |cell| colour(cell.bg, BACK))
}

#[derive(Clone, PartialEq)]
struct Look {
    fore: String,
    back: Option<String>,
    bold: bool,
    dim: bool,
    line: bool,
}

fn look(cell: Option<&Cell>) -> Look {
    let blank = Cell::default();
    let cell = cell.unwrap_or(&blank);
    let has = |m| cell.modifier.contains(m);
    let fore = colour(cell.fg, FORE);
    let (fore, back) =
        if has(Modifier::REVERSED) { (colour(cell.bg, BACK), Some(fore)) } else { (fore, None) };
    Look {
        fore,
        back,
        bold: has(Modifier::BOLD),
        dim: has(Modifier::DIM) && !has(Modifier::REVERSED),
        line: has(Modifier::UNDERLINED),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Draws block elements and rules as shapes, so that they join without gaps in every font.
fn shape(symbol: &str, x: f64, y: f64, look: &Look) -> Option<String> {
    let (w, h) = CELL;
    let opacity = if look.dim { 0.38 } else { 1.0 };
    let rect = |x: f64, y: f64, w: f64, h: f64| {
        Some(format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" fill=\"{}\" \
             opacity=\"{opacity}\"/>\n",
            look.fore
        ))
    };
    let eighth = (1_u8..).zip("▁▂▃▄▅▆▇█".chars()).find(|(_, c)| symbol.starts_with(*c));
    match (symbol, eighth) {
        ("█", _) if !look.dim => rect(x, y + 4.0, w, h - 8.0),
        (_, Some((eighths, _))) => {
            let height = (h - 5.0) * f64::from(eighths) / 8.0;
            rect(x + 0.6, y + h - 2.5 - height, w - 1.2, height)
        }
        ("░", _) => rect(x, y + 4.0, w, h - 8.0),
        ("─", _) => rect(x, y + h / 2.0 - 0.5, w, 1.0),
        ("━", _) => rect(x, y + h / 2.0 - 1.0, w, 2.0),
        _ => None,
    }
}

/// The whole picture.
pub fn svg(buf: &Buffer) -> String {
    let (columns, rows) = (f64::from(buf.area.width), f64::from(buf.area.height));
    let (width, height) = (columns * CELL.0 + 2.0 * MARGIN, rows * CELL.1 + 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.1} {height:.1}\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" \
         fill=\"{}\"/>\n<g font-family=\"'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,\
         monospace\" font-size=\"14\" xml:space=\"preserve\">\n",
        ground(buf)
    );
    for y in 0..buf.area.height {
        row(&mut out, buf, y);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn row(out: &mut String, buf: &Buffer, y: u16) {
    let top = MARGIN + f64::from(y) * CELL.1;
    let left = |x: u16| MARGIN + f64::from(x) * CELL.0;
    let mut x = 0;
    while x < buf.area.width {
        let first = look(buf.cell((x, y)));
        let start = x;
        let mut text = String::new();
        let mut shapes = String::new();
        while x < buf.area.width && look(buf.cell((x, y))) == first {
            let symbol = buf.cell((x, y)).map_or(" ", Cell::symbol);
            match shape(symbol, left(x), top, &first) {
                Some(drawn) => {
                    shapes.push_str(&drawn);
                    text.push(' ');
                }
                None => text.push_str(symbol),
            }
            x += 1;
        }
        if let Some(back) = &first.back {
            let w = f64::from(x - start) * CELL.0;
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{w:.1}\" height=\"{:.1}\" fill=\"{back}\"/>",
                left(start),
                CELL.1
            );
        }
        out.push_str(&shapes);
        write_text(out, &text, left(start), top, &first);
    }
}

/// One element for each word, so that a font of another width cannot shift what follows.
fn write_text(out: &mut String, text: &str, left: f64, top: f64, look: &Look) {
    let mut at = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if length > 0 {
            let bold = if look.bold { " font-weight=\"700\"" } else { "" };
            let dim = if look.dim { " opacity=\"0.62\"" } else { "" };
            let line = if look.line { " text-decoration=\"underline\"" } else { "" };
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" fill=\"{}\"{bold}{dim}{line}>{}</text>",
                left + f64::from(u16::try_from(at).unwrap_or(0)) * CELL.0,
                top + 13.2,
                f64::from(u16::try_from(length).unwrap_or(0)) * CELL.0,
                look.fore,
                escaped(word)
            );
        }
        at += length + 1;
    }
}
