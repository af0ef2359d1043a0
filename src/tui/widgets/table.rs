//! Columns that fit their content, then the screen.

use crate::{session::page::Tone, tui::ink::Ink};

/// Columns between two columns.
const GAP: usize = 2;

/// One column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// It is not made narrower than this.
    pub(crate) least: usize,
    /// Whether its content stands on the right.
    pub(crate) right: bool,
    /// The column with the highest number goes first when there is no room; 0 stays.
    pub(crate) spare: u8,
    /// Whether it takes the room that is left.
    pub(crate) grows: bool,
}

impl Column {
    /// A column on the left.
    pub(crate) const fn new(least: usize, spare: u8) -> Self {
        Self { least, right: false, spare, grows: false }
    }

    /// On the right.
    pub(crate) const fn right(self) -> Self {
        Self { right: true, ..self }
    }

    /// Takes the room that is left.
    pub(crate) const fn grows(self) -> Self {
        Self { grows: true, ..self }
    }
}

/// Sets rows of cells into lines of one width.
pub(crate) fn table(rows: Vec<Vec<Ink>>, columns: &[Column], width: usize) -> Vec<Ink> {
    let natural: Vec<usize> = (0..columns.len())
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(Ink::width).max().unwrap_or(0))
        .collect();
    let widths = fit(&natural, columns, width);
    rows.into_iter().map(|row| line(row, columns, &widths)).collect()
}

fn line(row: Vec<Ink>, columns: &[Column], widths: &[usize]) -> Ink {
    let mut out = Ink::new();
    for ((cell, column), width) in row.into_iter().zip(columns).zip(widths) {
        if *width == 0 {
            continue;
        }
        if !out.is_empty() {
            out = out.put(Tone::Plain, " ".repeat(GAP));
        }
        out = out.then(if column.right { cell.pad_left(*width) } else { cell.pad(*width) });
    }
    out
}

/// Widths of all columns; 0 for those that are left out.
fn fit(natural: &[usize], columns: &[Column], width: usize) -> Vec<usize> {
    let mut widths = natural.to_vec();
    let sum = |widths: &[usize]| {
        let shown = widths.iter().filter(|w| **w > 0);
        widths.iter().sum::<usize>() + shown.count().saturating_sub(1) * GAP
    };
    let smallest = |widths: &[usize]| -> Vec<usize> {
        widths.iter().zip(columns).map(|(w, c)| (*w).min(c.least)).collect()
    };
    while sum(&smallest(&widths)) > width {
        let shown = columns.iter().zip(&widths).enumerate().filter(|(_, (_, w))| **w > 0);
        let Some(at) = shown.max_by_key(|(_, (c, _))| c.spare).map(|(at, _)| at) else { break };
        match (columns.get(at), widths.get_mut(at)) {
            (Some(column), Some(w)) if column.spare > 0 => *w = 0,
            _ => break,
        }
    }
    let mut excess = sum(&widths).saturating_sub(width);
    while excess > 0 {
        let above = widths.iter_mut().zip(columns).filter(|(w, c)| **w > c.least);
        let Some((w, _)) = above.max_by_key(|(w, _)| **w) else { break };
        *w -= 1;
        excess -= 1;
    }
    let room = width.saturating_sub(sum(&widths));
    let growing = widths.iter_mut().zip(columns).find(|(w, c)| c.grows && **w > 0);
    if let Some((w, _)) = growing {
        *w += room;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_goes_before_another_becomes_unreadable() {
        let columns = [Column::new(4, 0), Column::new(6, 2), Column::new(10, 0).grows()];
        assert_eq!(fit(&[4, 6, 20], &columns, 40), [4, 6, 26]);
        assert_eq!(fit(&[4, 6, 20], &columns, 26), [4, 6, 12]);
        assert_eq!(fit(&[4, 6, 20], &columns, 20), [4, 0, 14]);
        assert_eq!(fit(&[4, 6, 20], &columns, 3), [4, 0, 10]);
    }
}
