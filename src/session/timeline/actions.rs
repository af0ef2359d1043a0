//! What was done with this program: in this session, and by the audit before it.

use std::collections::BTreeSet;

use crate::session::Shown;

use super::{Mark, MarkKind};

pub(super) fn marks(shown: &Shown<'_>, all: &mut Vec<Mark>) {
    let mut told = BTreeSet::new();
    for (at, past) in shown.past.iter().enumerate() {
        told.extend(past.sequence);
        let back = if past.undo { "taken back: " } else { "" };
        let what = format!("{back}{}: {}", past.plan.words(), past.words());
        let whom = past.sequence.map_or_else(|| format!("here {at}"), |n| n.to_string());
        all.push(Mark::new(past.at, MarkKind::Action, whom).says(what, "this session"));
    }
    for line in shown.audit.iter().filter(|line| !told.contains(&line.sequence)) {
        let said = Some(&line.result).filter(|result| !result.is_empty());
        let result = said.map_or_else(String::new, |result| format!(": {result}"));
        let what = format!("{}, by {}{result}", line.what, line.who);
        let mark = Mark::new(line.at, MarkKind::Action, line.sequence.to_string());
        let source = if shown.replay.is_some() { "recording" } else { "audit" };
        all.push(mark.says(what, source));
    }
}
