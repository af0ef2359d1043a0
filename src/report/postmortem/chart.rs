//! The timeline: failures in bars of so many minutes, and what happened above one axis.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::{
    observation::Wall,
    session::{
        Shown,
        figures::{count, localised},
        history::History,
        impact::Measured,
        page::Tone,
        timeline::{self, MarkKind, Window, Zoom, known_since, marks},
    },
};

use super::{
    assemble::Parts,
    document::{Bar, Mark, Timeline},
    shown,
    story::verdict,
};

/// Bars at most, and marks that are told.
const BARS: i64 = 90;
const MARKS: usize = 40;
/// Minutes that a bar may stand for.
const STEPS: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1_440, 10_080];
/// Minutes before the first failure and after the last one, at least and at most.
const LEAD: (i64, i64) = (5, 60);
/// Columns that labels are placed in.
const COLUMNS: usize = 96;
const MINUTE: i64 = 60;

/// The timeline of the incident with what led to it.
pub(super) fn timeline(parts: &Parts<'_>) -> Timeline {
    let (from, to) = window(parts);
    let minutes = to.since(from).as_secs() / MINUTE;
    let step = STEPS.into_iter().find(|step| minutes / step <= BARS).unwrap_or(10_080);
    let from = Wall::from_secs(from.0.div_euclid(1_000_000 * MINUTE * step) * MINUTE * step);
    let count = (to.since(from).as_secs() + step * MINUTE - 1) / (step * MINUTE);
    let window = Window { from, to: from.plus_secs(count * step * MINUTE) };
    let shown = view(parts, window.from);
    let known = known_since(&shown);
    let read = parts.subject.case.triage.as_ref().and_then(|triage| triage.from);
    let known = known.into_iter().chain(read).min();
    let bars =
        (0..count).map(|at| bar(parts, window.from.plus_secs(at * step * MINUTE), step, known));
    let bars = bars.collect();
    let ticks = timeline::ticks(window, COLUMNS, parts.times.zone).into_iter();
    let ticks = ticks
        .map(|(column, text)| (u32::try_from(column * 1_000 / COLUMNS).unwrap_or_default(), text));
    let (marks, more) = moments(parts, &shown, window);
    Timeline {
        day: format!("{} {}", parts.times.day(window.from), parts.times.offset()),
        step,
        bars,
        ticks: ticks.collect(),
        marks,
        more,
    }
}

/// From a while before the first failure to a while after the last one, or the last deed.
fn window(parts: &Parts<'_>) -> (Wall, Wall) {
    let now = parts.subject.diagnosis.as_of;
    let Some((first, last)) = parts.impact.span else {
        return (now.minus_secs(60 * MINUTE), now);
    };
    let last = if parts.impact.goes_on { now.max(last) } else { last };
    let deeds = parts.deeds.iter().map(|deed| deed.detail.ended.unwrap_or(deed.at));
    let last = deeds.chain([last]).max().unwrap_or(last);
    let lasted = last.since(first).as_secs() / MINUTE;
    let lead = (lasted / 4).clamp(LEAD.0, LEAD.1) * MINUTE;
    // What led to it may have begun some time before requests noticed.
    let led = parts.finding().and_then(|finding| finding.since);
    let near = |at: &Wall| *at < first && first.since(*at).as_secs() < LEAD.1 * MINUTE;
    let from = led.filter(near).unwrap_or(first).minus_secs(lead);
    let to = last.plus_secs(lead / 2).min(now.max(last));
    let to = Wall::from_secs((to.0.div_euclid(60_000_000) + 1) * MINUTE);
    (from.min(to.minus_secs(10 * MINUTE)), to)
}

/// The timeline shows nothing of earlier incidents.
static BLANK: LazyLock<History> = LazyLock::new(History::default);

/// The case as the timeline of the screen takes it.
fn view<'a>(parts: &Parts<'a>, from: Wall) -> Shown<'a> {
    let subject = parts.subject;
    let back = subject.case.now.wall.since(from).as_secs();
    let zoom = match back {
        ..=900 => Zoom::Quarter,
        901..=3_600 => Zoom::Hour,
        3_601..=21_600 => Zoom::SixHours,
        21_601..=86_400 => Zoom::Day,
        _ => Zoom::All,
    };
    Shown {
        case: subject.case,
        diagnosis: subject.diagnosis,
        sources: &[],
        past: &[],
        audit: subject.deeds,
        zoom,
        veiled: false,
        replay: None,
        history: &BLANK,
    }
}

fn bar(parts: &Parts<'_>, from: Wall, step: i64, known: Option<Wall>) -> Bar {
    let first = from.0.div_euclid(60_000_000);
    let mut by_status: BTreeMap<u16, u64> = BTreeMap::new();
    let (mut requests, mut some, mut whole) = (0_u64, false, true);
    for minute in parts.impact.minutes.range(first..first + step).map(|(_, minute)| minute) {
        some = true;
        if minute.failures() > 0 {
            whole &= minute.requests.is_some();
            requests = requests.saturating_add(minute.requests.unwrap_or(0));
        }
        for (status, n) in &minute.by_status {
            let sum = by_status.entry(*status).or_default();
            *sum = sum.saturating_add(*n);
        }
    }
    let end = from.plus_secs(step * MINUTE);
    let past = from <= parts.subject.diagnosis.as_of;
    Bar {
        at: parts.times.minute(from),
        by_status: by_status.into_iter().filter(|(_, n)| *n > 0).collect(),
        requests: (whole && requests > 0).then_some(requests),
        known: some || (past && known.is_some_and(|known| end > known)),
    }
}

/// One moment before it is written.
struct Moment {
    at: Wall,
    /// What is kept first when there is no room for all.
    weight: (bool, MarkKind),
    mark: Mark,
}

fn moments(parts: &Parts<'_>, shown_: &Shown<'_>, window: Window) -> (Vec<Mark>, usize) {
    let found = marks(shown_);
    let mut all: Vec<Moment> = found
        .list
        .into_iter()
        .filter(|mark| window.holds(mark.at))
        // Of these the impact knows more.
        .filter(|mark| !matches!(mark.kind, MarkKind::FirstFailure | MarkKind::LastFailure))
        .map(|mark| Moment {
            at: mark.at,
            weight: (!mark.needed, mark.kind),
            mark: Mark {
                at: parts.times.short(mark.at),
                place: Some(place(window, mark.at)),
                kind: mark.kind.word(),
                shape: mark.kind.shape(),
                tone: tone(mark.kind.tone()),
                what: shown(localised(&mark.what, parts.times.zone, parts.times.anchor)),
                source: shown(mark.source),
            },
        })
        .collect();
    all.extend(own(parts, window));
    all.sort_by_key(|moment| moment.weight);
    let more = all.len().saturating_sub(MARKS) + found.cut;
    all.truncate(MARKS);
    // An access log knows seconds only: what happened in the second of the first failure led to it.
    let order = |one: &Moment| {
        let late = one.weight.1 == MarkKind::FirstFailure;
        (if late { one.at.0.saturating_add(999_999) } else { one.at.0 }, one.weight.1)
    };
    all.sort_by(|a, b| (order(a), &a.mark.what).cmp(&(order(b), &b.mark.what)));
    (all.into_iter().map(|moment| moment.mark).collect(), more)
}

/// What the timeline of the screen does not have: the first look, and how deeds ended.
fn own(parts: &Parts<'_>, window: Window) -> Vec<Moment> {
    let moment = |at: Wall, kind, shape, tone, what: String, source: &str| Moment {
        at,
        weight: (false, MarkKind::Action),
        mark: Mark {
            at: parts.times.short(at),
            place: Some(place(window, at)),
            kind,
            shape,
            tone,
            what,
            source: source.to_owned(),
        },
    };
    let mut all = Vec::new();
    if let Some((first, last)) = parts.impact.span {
        let n = count(parts.impact.failures);
        let (what, source) = match parts.impact.measured {
            Measured::Requests => ("requests", "access log"),
            Measured::Lines(_) | Measured::Nothing(_) => ("tries", "error log"),
        };
        let words = format!("the first of {n} failed {what}");
        let kind = MarkKind::FirstFailure;
        let mut mark = moment(first, kind.word(), kind.shape(), "bad", words, source);
        mark.weight.1 = kind;
        all.push(mark);
        if last > first {
            let newest =
                if parts.impact.goes_on { "the newest so far" } else { "the last of them" };
            let kind = MarkKind::LastFailure;
            let mut mark =
                moment(last, kind.word(), kind.shape(), "warn", newest.to_owned(), source);
            mark.weight.1 = kind;
            all.push(mark);
        }
    }
    if let Some(at) = parts.subject.looked.filter(|at| window.holds(*at)) {
        let what = "this program was first looked at".to_owned();
        all.push(moment(at, "first look", "◇", "accent", what, "gatemedic"));
    }
    for deed in &parts.deeds {
        let Some(at) = deed.detail.ended.filter(|at| window.holds(*at)) else { continue };
        let (word, tone) = verdict(deed);
        let what = format!("{word}: {}", shown(deed.what.raw()));
        all.push(moment(at, "verdict", "◆", tone, what, "audit"));
    }
    all
}

fn place(window: Window, at: Wall) -> u32 {
    let gone = i128::from(at.0) - i128::from(window.from.0);
    let whole = (i128::from(window.to.0) - i128::from(window.from.0)).max(1);
    u32::try_from((gone * 1_000 / whole).clamp(0, 1_000)).unwrap_or_default()
}

const fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "bad",
        Tone::Warn => "warn",
        Tone::Good => "good",
        Tone::Accent => "accent",
        Tone::Plain | Tone::Strong | Tone::Muted => "plain",
    }
}

/// The bars of a table with so many rows at most: some put together, the calm at both ends left out.
pub(super) fn rows(bars: &[Bar], most: usize) -> Vec<Bar> {
    const CALM: usize = 2;
    let failed = |bar: &Bar| bar.failures() > 0;
    let Some(first) = bars.iter().position(failed) else { return Vec::new() };
    let last = bars.iter().rposition(failed).unwrap_or(first);
    let end = (last + CALM + 1).min(bars.len());
    let part = bars.get(first.saturating_sub(CALM)..end).unwrap_or_default();
    part.chunks(part.len().div_ceil(most.max(1)).max(1)).map(together).collect()
}

fn together(bars: &[Bar]) -> Bar {
    let mut by_status: BTreeMap<u16, u64> = BTreeMap::new();
    for (status, n) in bars.iter().flat_map(|bar| &bar.by_status) {
        let sum = by_status.entry(*status).or_default();
        *sum = sum.saturating_add(*n);
    }
    let counted = bars.iter().filter(|bar| bar.failures() > 0);
    let requests =
        counted.map(|bar| bar.requests).try_fold(0_u64, |sum, n| Some(sum.saturating_add(n?)));
    Bar {
        at: bars.first().map(|bar| bar.at.clone()).unwrap_or_default(),
        by_status: by_status.into_iter().collect(),
        requests: requests.filter(|n| *n > 0),
        known: bars.iter().any(|bar| bar.known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(n: u64) -> Bar {
        let by_status = if n > 0 { vec![(502, n)] } else { Vec::new() };
        Bar { at: n.to_string(), by_status, requests: Some(n * 2), known: true }
    }

    #[test]
    fn a_table_loses_calm_and_no_failure() {
        let mut bars = vec![bar(0); 30];
        bars.extend((1..=50).map(bar));
        bars.extend(vec![bar(0); 30]);
        let rows = rows(&bars, 12);
        assert!(rows.len() <= 12);
        assert_eq!(rows.iter().map(Bar::failures).sum::<u64>(), 50 * 51 / 2);
        assert_eq!(rows.iter().filter_map(|row| row.requests).sum::<u64>(), 50 * 51);
        assert_eq!(super::rows(&vec![bar(0); 5], 12), []);
    }
}
