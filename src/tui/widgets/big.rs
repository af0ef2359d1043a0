//! Letters that can be read across a room.

use font8x8::UnicodeFonts;

/// Pixels of a letter, across and down.
const SIDE: usize = 8;

/// How pixels become cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grain {
    /// Each pixel so many columns wide and so many rows high.
    Cells(usize, usize),
    /// Two pixels above each other in a cell.
    Halves,
    /// Four pixels in a cell.
    Quarters,
}

impl Grain {
    /// Columns and rows of one letter.
    const fn letter(self) -> (usize, usize) {
        match self {
            Self::Cells(across, down) => (SIDE * across, SIDE * down),
            Self::Halves => (SIDE, SIDE / 2),
            Self::Quarters => (SIDE / 2, SIDE / 2),
        }
    }
}

/// From the largest to the smallest.
const GRAINS: [Grain; 5] =
    [Grain::Cells(4, 2), Grain::Cells(3, 2), Grain::Cells(2, 1), Grain::Halves, Grain::Quarters];

/// A word in the largest letters that fit `width` columns and `height` rows, one string a row, all
/// of one width; in plain letters where none fit. Only ASCII can be enlarged.
pub(crate) fn big(word: &str, width: usize, height: usize, ascii: bool) -> Vec<String> {
    let letters = word.chars().count().max(1);
    let fits = |grain: &Grain| {
        let (across, down) = grain.letter();
        across * letters <= width + across / SIDE && down <= height
    };
    let whole = |grain: &&Grain| !ascii || matches!(grain, Grain::Cells(..));
    match GRAINS.iter().filter(whole).find(|grain| fits(grain)) {
        Some(grain) if word.is_ascii() => trim(drawn(word, *grain)),
        _ => vec![word.to_owned()],
    }
}

fn drawn(word: &str, grain: Grain) -> Vec<String> {
    let glyphs: Vec<[u8; SIDE]> =
        word.chars().map(|c| font8x8::BASIC_FONTS.get(c).unwrap_or_default()).collect();
    let lit = |x: usize, y: usize| {
        let row = glyphs.get(x / SIDE).and_then(|glyph| glyph.get(y)).copied().unwrap_or(0);
        row >> (x % SIDE) & 1 == 1
    };
    let across = glyphs.len() * SIDE;
    let row = |y: usize| match grain {
        Grain::Cells(wide, _) => {
            (0..across).map(|x| if lit(x, y) { "█" } else { " " }.repeat(wide)).collect()
        }
        Grain::Halves => (0..across).map(|x| half(lit(x, 2 * y), lit(x, 2 * y + 1))).collect(),
        Grain::Quarters => {
            let quarter = |x: usize, y: usize| usize::from(lit(x, y));
            let cell = |x: usize| {
                let (x, y) = (2 * x, 2 * y);
                let at = quarter(x, y)
                    | quarter(x + 1, y) << 1
                    | quarter(x, y + 1) << 2
                    | quarter(x + 1, y + 1) << 3;
                QUARTERS.get(at).copied().unwrap_or(' ')
            };
            (0..across / 2).map(cell).collect::<String>()
        }
    };
    match grain {
        Grain::Cells(_, high) => {
            (0..SIDE).flat_map(|y| std::iter::repeat_n(row(y), high)).collect()
        }
        Grain::Halves | Grain::Quarters => (0..SIDE / 2).map(row).collect(),
    }
}

/// By upper left, upper right, lower left, lower right, the first being the lowest bit.
const QUARTERS: [char; 16] =
    [' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'];

const fn half(upper: bool, lower: bool) -> char {
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

/// Without the empty rows below letters that do not reach down, and the empty columns behind them.
fn trim(mut rows: Vec<String>) -> Vec<String> {
    while rows.last().is_some_and(|row| row.trim().is_empty()) {
        rows.pop();
    }
    let widths = rows.iter().map(|row| row.trim_end().chars().count());
    let width = widths.max().unwrap_or(0);
    rows.into_iter().map(|row| row.chars().take(width).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_as_large_as_its_room() {
        for (width, height) in [(224, 16), (120, 20), (60, 8), (30, 4)] {
            let rows = big("FAILING", width, height, false);
            assert!(rows.len() > 1 && rows.len() <= height);
            for row in &rows {
                assert!(row.chars().count() <= width + 4, "{row}");
            }
        }
        assert_eq!(big("FAILING", 20, 4, false), ["FAILING"]);
        assert_eq!(big("FAILING", 30, 4, true), ["FAILING"]);
        assert!(big("FAILING", 120, 8, true).concat().chars().all(|c| matches!(c, '█' | ' ')));
    }

    #[test]
    fn a_letter_looks_like_itself() {
        let rows = big("I", 9, 4, false);
        assert_eq!(rows, [" ▀██▀", "  ██ ", "  ██ ", " ▀▀▀▀"]);
    }
}
