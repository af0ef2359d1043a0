//! A host that boots starts dozens of units that no request depends on: told one by one they would
//! stand before what matters.

use super::{Mark, MarkKind};

/// So many within [`SPAN_SECS`] are told as one.
const FEW: usize = 4;
/// Seconds within which they belong together.
const SPAN_SECS: i64 = 10;
/// Names that are told.
const NAMES: usize = 5;

/// The marks with such crowds in one mark each, in the same order.
pub(super) fn folded(all: Vec<Mark>) -> Vec<Mark> {
    let mut out: Vec<Mark> = Vec::with_capacity(all.len());
    let mut crowd: Vec<Mark> = Vec::new();
    for mark in all {
        if crowd.first().is_some_and(|first| mark.at.since(first.at).as_secs() > SPAN_SECS) {
            close(&mut out, &mut crowd);
        }
        if is_aside(&mark) { crowd.push(mark) } else { out.push(mark) }
    }
    close(&mut out, &mut crowd);
    // A crowd was put behind those that came within it.
    out.sort_by_key(|mark| mark.at);
    out
}

const fn is_aside(mark: &Mark) -> bool {
    let harmless = matches!(mark.kind, MarkKind::Started | MarkKind::Stopped | MarkKind::State);
    !mark.needed && harmless
}

fn close(out: &mut Vec<Mark>, crowd: &mut Vec<Mark>) {
    if crowd.len() < FEW {
        out.append(crowd);
        return;
    }
    let mut names: Vec<&str> = crowd.iter().map(|mark| mark.whom.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(NAMES);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let told = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    let what = format!("{} that no request depends on: {told}{rest}", names.len());
    let Some(first) = crowd.first() else { return };
    let mark = Mark::new(first.at, MarkKind::State, "others").says(what, first.source);
    out.push(mark.needed(false));
    crowd.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Wall;

    fn mark(secs: i64, whom: &str, needed: bool) -> Mark {
        Mark::new(Wall::from_secs(secs), MarkKind::Started, whom).needed(needed)
    }

    #[test]
    fn a_crowd_that_nobody_depends_on_is_one_mark() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut all: Vec<Mark> = names.iter().map(|name| mark(100, name, false)).collect();
        all.push(mark(101, "shop", true));
        all.push(mark(200, "late", false));
        let folded = folded(all);
        let whom: Vec<&str> = folded.iter().map(|mark| mark.whom.as_str()).collect();
        assert_eq!(whom, ["others", "shop", "late"]);
        let what = "6 that no request depends on: a, b, c, d, e and 1 more";
        assert_eq!(folded[0].what, what);
    }

    #[test]
    fn what_fails_is_never_hidden_in_a_crowd() {
        let mut all: Vec<Mark> = (0..9).map(|n| mark(100 + n, "a", false)).collect();
        let failed = Mark { kind: MarkKind::Failed, ..mark(104, "backup", false) };
        all.push(failed.clone());
        assert!(folded(all).contains(&failed));
    }
}
