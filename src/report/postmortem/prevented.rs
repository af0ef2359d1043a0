//! Rows of the checklist.

use crate::remedy::prevention;

use super::{assemble::Parts, document, shown};

/// A row as the document tells it.
pub(super) fn row(parts: &Parts<'_>, one: &prevention::Precaution) -> document::Precaution {
    let evidence = one.evidence.iter().map(|piece| document::Evidence {
        what: parts.local(&piece.what),
        origin: piece.origin.as_ref().map(|at| shown(at.to_string())).unwrap_or_default(),
        at: String::new(),
    });
    let lines = |lines: &[String]| lines.iter().map(|line| verbatim(line)).collect();
    let add = one.add.as_ref();
    document::Precaution {
        id: one.id,
        title: one.title,
        why: one.why,
        whom: shown(&one.whom),
        standing: one.standing.as_str(),
        this_time: one.this_time,
        evidence: evidence.collect(),
        place: add.map(|add| shown(&add.place)).unwrap_or_default(),
        add: add.map(|add| lines(&add.lines)).unwrap_or_default(),
        then: add.map(|add| lines(&add.then)).unwrap_or_default(),
        mind: add.map_or("", |add| add.mind),
    }
}

/// A line to copy: as [`shown`], with its indentation.
fn verbatim(line: &str) -> String {
    let indent = line.len() - line.trim_start_matches(' ').len();
    format!("{}{}", " ".repeat(indent.min(16)), shown(line))
}

/// Rows that say the same of several, as one: whoever reads it does the same for all of them.
pub(super) fn together(rows: Vec<document::Precaution>) -> Vec<document::Precaution> {
    let mut all: Vec<document::Precaution> = Vec::new();
    for row in rows {
        let same = |one: &&mut document::Precaution| {
            (one.id, one.standing, one.this_time) == (row.id, row.standing, row.this_time)
                && (&one.add, &one.then, one.mind) == (&row.add, &row.then, row.mind)
        };
        let Some(first) = all.iter_mut().find(same) else {
            all.push(row);
            continue;
        };
        first.whom = format!("{}, {}", first.whom, row.whom);
        if !first.place.split(", ").any(|place| place == row.place) {
            first.place = format!("{}, {}", first.place, row.place);
        }
        let known = |piece: &document::Evidence, all: &[document::Evidence]| {
            all.iter().any(|one| one.what == piece.what && one.origin == piece.origin)
        };
        for piece in row.evidence {
            if !known(&piece, &first.evidence) {
                first.evidence.push(piece);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_alike_is_told_once() {
        let row = |whom: &str, line: &str| document::Precaution {
            id: "restart",
            standing: "lacking",
            whom: whom.to_owned(),
            place: format!("systemctl edit {whom}"),
            add: vec![line.to_owned()],
            ..document::Precaution::default()
        };
        let rows = together(vec![row("a", "x"), row("b", "y"), row("c", "x")]);
        let told: Vec<(&str, &str)> =
            rows.iter().map(|row| (row.whom.as_str(), row.place.as_str())).collect();
        assert_eq!(
            told,
            [("a, c", "systemctl edit a, systemctl edit c"), ("b", "systemctl edit b")]
        );
    }
}
