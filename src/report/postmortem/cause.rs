//! Why.

use crate::{
    diagnosis::{self, Finding, words::CauseText},
    session::{AuditLine, history::Incident},
};

use super::{
    assemble::Parts,
    document::{Cause, Evidence, Other},
    shown,
};

/// Pieces of evidence told of each side.
const PIECES: usize = 20;
/// Causes beside the first.
const OTHERS: usize = 8;

/// The cause by which the incident is told: what was found, else what a repair was for.
pub(super) fn cause(parts: &Parts<'_>) -> Option<Cause> {
    let repaired = parts.repair().filter(|deed| !deed.detail.cause.is_empty());
    match (parts.finding(), repaired) {
        // What was repaired is gone, and what is found now is something else.
        (Some(finding), Some(deed))
            if parts.subject.told().findings.is_empty()
                && deed.detail.cause.raw() != finding.cause =>
        {
            Some(recorded(parts, deed))
        }
        (Some(finding), _) => Some(found(parts, finding)),
        (None, Some(deed)) => Some(recorded(parts, deed)),
        (None, None) => parts.subject.remembered.map(|incident| remembered(parts, incident)),
    }
}

fn found(parts: &Parts<'_>, finding: &Finding) -> Cause {
    let pieces = |list: &[diagnosis::Evidence]| {
        let mut told: Vec<Evidence> =
            list.iter().take(PIECES).map(|one| piece(parts, one)).collect();
        if list.len() > PIECES {
            told.push(Evidence {
                what: format!("{} more", list.len() - PIECES),
                ..Evidence::default()
            });
        }
        told
    };
    let missing = finding.missing.iter();
    let changed = finding.changed_before.as_ref();
    Cause {
        confidence: finding.confidence.as_str().to_owned(),
        summary: parts.local(&finding.summary),
        since: finding.since.map(|at| parts.times.short(at)).unwrap_or_default(),
        evidence: pieces(&finding.evidence),
        against: pieces(&finding.against),
        missing: missing
            .map(|one| shown(format!("{} ({} is out of sight)", one.what, one.source)))
            .collect(),
        explains: finding.explains.iter().map(|id| shown(*id)).collect(),
        changed_before: changed
            .map(|one| parts.local(&parts.beside(one).sentence()))
            .unwrap_or_default(),
        note: if finding.current || parts.impact.goes_on {
            String::new()
        } else {
            "Its effect is over.".to_owned()
        },
        ..words(finding.cause)
    }
}

fn piece(parts: &Parts<'_>, one: &diagnosis::Evidence) -> Evidence {
    Evidence {
        what: parts.local(&one.what),
        origin: shown(one.origin.to_string()),
        at: one.at.map(|at| parts.times.short(at)).unwrap_or_default(),
    }
}

/// The cause as the record of a repair has it.
fn recorded(parts: &Parts<'_>, deed: &AuditLine) -> Cause {
    let detail = &deed.detail;
    let evidence = detail.evidence.iter().take(PIECES);
    Cause {
        summary: parts.local(&detail.finding.to_string()),
        evidence: evidence
            .map(|what| Evidence { what: parts.local(&what.to_string()), ..Evidence::default() })
            .collect(),
        note: "As it was recorded when it was repaired; its traces are gone by now.".to_owned(),
        ..words(detail.cause.raw())
    }
}

/// The cause as the history has it.
fn remembered(parts: &Parts<'_>, incident: &Incident) -> Cause {
    let trouble = &incident.trouble;
    Cause {
        confidence: trouble.confidence.as_str().to_owned(),
        summary: parts.local(&trouble.summary.to_string()),
        since: parts.times.short(incident.first),
        note: "As the history of this host has it; its evidence was not kept.".to_owned(),
        ..words(trouble.cause.raw())
    }
}

/// The words of a cause.
fn words(id: &str) -> Cause {
    let text = CauseText::get(id);
    let say = |of: fn(&CauseText) -> &String| text.map(|text| shown(of(text))).unwrap_or_default();
    Cause {
        id: shown(id),
        title: text.map_or_else(|| shown(id), |text| shown(&text.title)),
        what: say(|text| &text.what),
        why: say(|text| &text.why_502),
        fix: say(|text| &text.fix),
        do_not: say(|text| &text.do_not),
        ..Cause::default()
    }
}

/// What is said where no cause is.
pub(super) fn note(parts: &Parts<'_>) -> String {
    let words = if !parts.is_diagnosed() {
        "What was found is about another time than the one that was asked for. A recording of that \
         time, or the history, may know the cause."
    } else if parts.impact.span.is_none() {
        "No request failed, as far as that was seen."
    } else {
        "No cause was named: see what was out of sight."
    };
    words.to_owned()
}

/// Causes beside it: those that stood with it and those that came later.
pub(super) fn others(parts: &Parts<'_>) -> Vec<Other> {
    if !parts.is_diagnosed() {
        return Vec::new();
    }
    let first = parts.finding();
    let told = parts.subject.told();
    let mut list: Vec<Other> = Vec::new();
    let now = parts.subject.diagnosis;
    let all =
        told.findings.iter().chain(&told.recovered).chain(&now.findings).chain(&now.recovered);
    for finding in all {
        let other = Other {
            id: shown(finding.cause),
            confidence: finding.confidence.as_str().to_owned(),
            summary: parts.local(&finding.summary),
            over: !finding.current,
        };
        let same = first
            .is_some_and(|first| first.cause == finding.cause && first.subject == finding.subject);
        let known = list.iter().any(|one| one.id == other.id && one.summary == other.summary);
        if !same && !known && list.len() < OTHERS {
            list.push(other);
        }
    }
    list
}
