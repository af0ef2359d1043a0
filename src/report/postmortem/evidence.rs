//! The appendix: what could not be seen, what was lost, log lines and sources.

use std::cmp::Reverse;

use crate::{
    evidence::{Fold, Signatures},
    session::figures::{bytes, count},
};

use super::{
    assemble::{Parts, Subject},
    document::{Figure, Line, Unseen},
    shown,
};

/// Blind spots, losses, lines and logs that are told.
const UNSEEN: usize = 40;
const LOST: usize = 30;
const LINES: usize = 14;
const LOGS: usize = 20;
/// Lines of so many seconds before the first failure and after the last one belong to it.
const AROUND_SECS: i64 = 120;

/// What was out of sight.
pub(super) fn unseen(subject: &Subject<'_>) -> Vec<Unseen> {
    let may = |text: &crate::observation::Text| {
        if text.is_empty() { String::new() } else { shown(text.raw()) }
    };
    let spots = subject.diagnosis.blind_spots.iter().take(UNSEEN);
    let mut list: Vec<Unseen> = spots
        .map(|spot| Unseen {
            source: spot.source.as_str(),
            what: shown(spot.what.raw()),
            why: shown(spot.why.raw()),
            hides: may(&spot.hides),
            grant: may(&spot.grant),
        })
        .collect();
    let more = subject.diagnosis.blind_spots.len().saturating_sub(UNSEEN);
    if more > 0 {
        list.push(Unseen { source: "and", what: format!("{more} more"), ..Unseen::default() });
    }
    list
}

/// What was lost: lines that no source could keep up with, and records of the recording.
pub(super) fn lost(subject: &Subject<'_>) -> Vec<String> {
    let mut list: Vec<String> = subject.lost.iter().take(LOST).map(shown).collect();
    for gap in subject.case.gaps.iter().take(LOST) {
        let gap = &gap.value;
        let much = match (gap.lines, gap.bytes) {
            (0, 0) => "something".to_owned(),
            (0, n) => bytes(n),
            (n, _) => format!("{} lines", count(n)),
        };
        list.push(shown(format!(
            "{}: {much} of {} ({})",
            gap.source,
            gap.what.raw(),
            gap.why.raw()
        )));
    }
    let case = subject.case;
    for (dropped, what) in [
        (case.access.entries.dropped(), "failed requests"),
        (case.logs.facts.dropped(), "known log lines"),
        (case.kills.dropped(), "memory kills"),
    ] {
        if dropped > 0 {
            list.push(format!("{} older {what} were no longer remembered", count(dropped)));
        }
    }
    list
}

/// The lines that say most, as they were written.
pub(super) fn lines(parts: &Parts<'_>) -> Vec<Line> {
    let now = parts.subject.diagnosis.as_of;
    let (from, to) = match parts.impact.span {
        Some((first, last)) => {
            let last = if parts.impact.goes_on { now } else { last };
            (first.minus_secs(AROUND_SECS), last.plus_secs(AROUND_SECS))
        }
        None => (parts.subject.diagnosis.incident.window, now.plus_secs(AROUND_SECS)),
    };
    let mut folds: Vec<&Fold> = parts.subject.case.logs.folds.values().collect();
    folds.retain(|fold| fold.last >= from && fold.first <= to);
    folds.sort_by(|a, b| {
        let key =
            |fold: &Fold| (Reverse(fold.signature.is_failure()), Reverse(fold.count), fold.first);
        (key(a), &a.sample).cmp(&(key(b), &b.sample))
    });
    let signatures = Signatures::embedded();
    folds
        .into_iter()
        .take(LINES)
        .map(|fold| Line {
            at: parts.times.short(fold.last),
            origin: shown(fold.origin.to_string()),
            count: fold.count,
            meaning: signatures
                .info(fold.signature)
                .map(|info| shown(&info.meaning))
                .unwrap_or_default(),
            text: shown(fold.sample.raw()),
        })
        .collect()
}

/// Programs with their versions, and the logs that were read.
pub(super) fn sources(parts: &Parts<'_>) -> Vec<Figure> {
    let case = parts.subject.case;
    let figure =
        |name: &str, value: String, note: String| Figure { name: name.to_owned(), value, note };
    let own = env!("CARGO_PKG_VERSION").to_owned();
    let mut list = vec![figure("gatemedic", own, String::new())];
    for gateway in case.gateways.values() {
        let version = gateway.version.as_ref().map(|version| shown(version.raw()));
        let note = if gateway.running { "runs" } else { "does not run" };
        let value = version.unwrap_or_else(|| "version not told".to_owned());
        list.push(figure(
            gateway.kind.as_str(),
            value,
            shown(format!("{}, {note}", gateway.config.raw())),
        ));
    }
    for manager in case.managers.values() {
        let value = if manager.version.is_empty() {
            "version not told".to_owned()
        } else {
            shown(manager.version.raw())
        };
        list.push(figure(manager.kind.title(), value, shown(manager.home.raw())));
    }
    let logs = case.triage.iter().flat_map(|triage| &triage.logs);
    for log in logs.take(LOGS) {
        let note = if log.format.is_empty() { String::new() } else { shown(log.format.raw()) };
        list.push(figure(
            "log",
            shown(log.path.raw()),
            if note.is_empty() {
                format!("{} lines", count(log.lines))
            } else {
                format!("{} lines, {note}", count(log.lines))
            },
        ));
    }
    list
}
