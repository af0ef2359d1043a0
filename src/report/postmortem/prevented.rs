//! Rows of the checklist.

use crate::remedy::prevention;

use super::{assemble::Parts, document, shown};

/// A row as the document tells it.
pub(super) fn row(parts: &Parts<'_>, one: prevention::Precaution) -> document::Precaution {
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
