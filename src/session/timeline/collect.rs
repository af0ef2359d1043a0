//! All marks of the span on screen, in the order of time.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    observation::{ContainerId, Owner, UnitName, Wall},
    session::{RowKey, Shown, figures::count, rows},
};

use super::{
    Mark, MarkKey, MarkKind, Window, Zoom, actions, changes, containers, fold, gateways, units,
};

/// Marks shown at most; the newest.
const MARKS: usize = 500;
/// Two reports of the same thing within so many seconds are one.
const SAME_SECS: i64 = 2;

/// What happened in the span on screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The marks, oldest first.
    pub list: Vec<Mark>,
    /// The span.
    pub window: Window,
    /// Marks known from before the span.
    pub earlier: usize,
    /// Marks within the span that were cut for room, the oldest.
    pub cut: usize,
}

/// Collects the marks of the span on screen.
pub fn marks(shown: &Shown<'_>) -> Marks {
    let mut all = failures(shown);
    let behind = rows::behind(shown);
    kernel(shown, &behind, &mut all);
    // There may be thousands of units: what lies before the span is counted, not told.
    let from = match shown.zoom {
        Zoom::All => None,
        _ => Some(Window::new(shown, None).from),
    };
    let before = units::marks(shown, &behind, from, &mut all);
    containers::marks(shown, &behind, &mut all);
    gateways::marks(shown, &mut all);
    changes::marks(shown, &mut all);
    lost(shown, &mut all);
    actions::marks(shown, &mut all);
    all.sort_by(|a, b| order(a).cmp(&order(b)));
    let oldest = all.first().map(|mark| mark.at);
    let window = Window::new(shown, oldest.into_iter().chain(super::axis::oldest(shown)).min());
    let known = all.len();
    all.retain(|mark| mark.at >= window.from);
    let earlier = before + known - all.len();
    all.retain(|mark| window.holds(mark.at));
    let mut all = fold::folded(all);
    let cut = all.len().saturating_sub(MARKS);
    all.drain(..cut);
    Marks { list: all, window, earlier, cut }
}

/// Time, and where that is equal, kind. An access log knows seconds only: what caused the first
/// failure stands before it.
const fn order(mark: &Mark) -> (i64, MarkKind, &String) {
    let late = matches!(mark.kind, MarkKind::FirstFailure);
    let at = if late { mark.at.0.saturating_add(999_999) } else { mark.at.0 };
    (at, mark.kind, &mark.whom)
}

/// The mark with an identity, if it is on screen.
pub fn find(shown: &Shown<'_>, key: &MarkKey) -> Option<Mark> {
    marks(shown).list.into_iter().find(|mark| mark.key() == *key)
}

/// The row that says more about a mark; every other row is itself.
pub fn about(shown: &Shown<'_>, key: RowKey) -> RowKey {
    match &key {
        RowKey::Mark(mark) => find(shown, mark).and_then(|mark| mark.about).unwrap_or(key),
        _ => key,
    }
}

/// Units and containers that requests depend on.
pub(super) type Behind = (BTreeSet<UnitName>, BTreeSet<ContainerId>);

/// What is told already, so that two reports of the same thing are one mark.
#[derive(Debug, Default)]
pub(super) struct Told(BTreeMap<(MarkKind, String), Vec<Wall>>);

impl Told {
    /// Adds a mark, unless the same is told of somebody at that time.
    pub(super) fn put(&mut self, mark: Mark, all: &mut Vec<Mark>) {
        let times = self.0.entry((mark.kind, mark.whom.clone())).or_default();
        let near = |at: &Wall| mark.at.since(*at).as_secs().abs() <= SAME_SECS;
        if !times.iter().rev().any(near) {
            times.push(mark.at);
            all.push(mark);
        }
    }
}

fn failures(shown: &Shown<'_>) -> Vec<Mark> {
    let incident = &shown.diagnosis.incident;
    let source = if shown.case.access.entries.is_empty() { "error log" } else { "access log" };
    let n = incident.failures;
    let mut all = Vec::new();
    if let Some(at) = incident.first {
        let what = "the first failed request seen of this incident";
        all.push(Mark::new(at, MarkKind::FirstFailure, "").says(what, source));
    }
    if let Some(at) = incident.last.filter(|_| n > 1) {
        let words = if incident.present { "the newest" } else { "the last" };
        let what = format!("{words} of {} failed requests that were seen", count(n));
        let mark = Mark::new(at, MarkKind::LastFailure, "").says(what, source);
        all.push(Mark { moves: true, ..mark });
    }
    earlier(shown, &mut all);
    for mark in &mut all {
        mark.about = Some(RowKey::Requests);
    }
    all
}

/// When it began and was worst, where the logs that were there already know it better than what was
/// seen since.
fn earlier(shown: &Shown<'_>, all: &mut Vec<Mark>) {
    let Some(triage) = &shown.case.triage else { return };
    let Some(episode) = &triage.episode else { return };
    let known = shown.diagnosis.incident.first;
    let usual = triage.usual.map(|n| format!(", usually {} a minute", count(n.into())));
    let usual = usual.unwrap_or_default();
    if known.is_none_or(|first| episode.first < first.minus_secs(SAME_SECS)) {
        all.retain(|mark| mark.kind != MarkKind::FirstFailure || !episode.goes_on);
        let n = count(episode.failures);
        let what = format!("the first of {n} failed requests in the logs{usual}");
        all.push(Mark::new(episode.first, MarkKind::FirstFailure, "logs").says(what, "access log"));
    }
}

fn kernel(shown: &Shown<'_>, behind: &Behind, all: &mut Vec<Mark>) {
    for kill in &shown.case.kills {
        let whose = match &kill.owner {
            Some(owner) => format!(" of {}", rows::owner_name(shown, Some(owner))),
            None => String::new(),
        };
        let what = format!("{}{whose}", kill.name);
        let mark = Mark::new(kill.at, MarkKind::Kill, kill.sequence.to_string());
        let needed = rows::outside_of(shown, behind, kill).is_none();
        let mark = mark.says(what, "kernel log").about(RowKey::Kill(kill.sequence));
        all.push(mark.needed(needed));
    }
    for fault in &shown.case.segfaults {
        let owner = shown.case.owner_of(fault.pid);
        let whose = owner.map(|o| format!(" of {}", rows::owner_name(shown, Some(o))));
        let what = format!("{}{}", fault.name, whose.unwrap_or_default());
        let needed = match owner {
            Some(Owner::Unit(name)) => behind.0.contains(name),
            Some(Owner::Container(id)) => behind.1.contains(id),
            Some(Owner::Program(_)) => false,
            None => true,
        };
        let mark = Mark::new(fault.at, MarkKind::Crash, fault.sequence.to_string());
        let mark = mark.says(what, "kernel log").about(RowKey::Segfault(fault.sequence));
        all.push(mark.needed(needed));
    }
}

fn lost(shown: &Shown<'_>, all: &mut Vec<Mark>) {
    for (at, gap) in shown.case.gaps.iter().enumerate() {
        let lost = match (gap.value.lines, gap.value.bytes) {
            (0, 0) => "something".to_owned(),
            (0, bytes) => format!("{} bytes", count(bytes)),
            (lines, _) => format!("{} lines", count(lines)),
        };
        let what = format!("{lost} of {} lost: {}", gap.value.what, gap.value.why);
        let mark = Mark::new(gap.at.wall, MarkKind::Gap, at.to_string());
        all.push(mark.says(what, gap.value.source.as_str()).about(RowKey::Sources));
    }
    let Some(axis) = shown.replay else { return };
    for (at, place) in axis.lost.places.iter().filter(|at| **at <= shown.case.now.wall).enumerate()
    {
        let mark = Mark::new(*place, MarkKind::Gap, format!("recording {at}"));
        let what = "the recording is damaged: what was seen then may be missing";
        all.push(mark.says(what, "recording").about(RowKey::Sources));
    }
}
