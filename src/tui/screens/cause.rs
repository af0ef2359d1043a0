//! The causes: the selected one with its evidence, the others in a line each.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Status},
    evidence::nginx_line,
    observation::{ContainerId, Origin, Owner},
    session::{
        Pane, Place, RowKey,
        figures::{ago, day_clock, localised},
        layout::{Area, first_visible},
        page::{Page, Tone, wrap},
        recovery::tried,
        rows,
    },
    tui::{header::waited_for, ink::Ink},
};

use super::Part;

/// Columns before the text: mark and rank.
const INDENT: u16 = 5;
/// Columns of the clock before a piece of evidence, with its mark.
const CLOCK: usize = 12;

/// Draws the pane.
pub(crate) fn cause(buf: &mut Buffer, part: &Part<'_>) {
    let mut part = *part;
    if part.shown.diagnosis.findings.is_empty() && part.view.query_in(Pane::Cause).is_empty() {
        part.area = none(buf, &part);
    }
    if !part.keys.is_empty() && !part.area.is_empty() {
        causes(buf, &part);
    }
}

/// Says that no cause is found, and gives the room below.
pub(super) fn none(buf: &mut Buffer, part: &Part<'_>) -> Area {
    let mut said = nothing(part);
    if part.view.place == Place::Causes {
        let width = usize::from(part.area.width);
        said = said.into_iter().flat_map(|line| line.broken(width)).collect();
    }
    let height = u16::try_from(said.len()).unwrap_or(u16::MAX);
    let (top, below) = part.area.split_top(height);
    for (line, y) in said.into_iter().zip(0..top.height) {
        line.cut(usize::from(top.width)).draw(buf, top, y);
    }
    below
}

fn causes(buf: &mut Buffer, part: &Part<'_>) {
    let view = part.view.pane(Pane::Cause);
    let selected = view.position(part.keys);
    let height = usize::from(part.area.height);
    let (_, text) = part.area.split_left(INDENT, 0);
    let width = usize::from(text.width);
    let mut open = part.keys.get(selected).map(|key| opened(part, key, width)).unwrap_or_default();
    // The others keep a third of the room, the selected one has the rest.
    let total = part.keys.len();
    let free = height.saturating_sub(open.len().saturating_sub(1));
    let heads = total.min((height / 3).max(free).max(1));
    let room = height.saturating_sub(heads) + 1;
    if open.len() > room {
        let lost = open.len() - room + 1;
        open.truncate(room.saturating_sub(1).max(1));
        if room > 1 {
            open.push(Ink::of(Tone::Muted, format!("… {lost} more lines: Enter")));
        }
    }
    let first = first_visible(view.top, selected, heads, total);
    let mut y = 0;
    for (at, key) in part.keys.iter().enumerate().skip(first).take(heads) {
        mark(part, key, at, at == selected).draw(buf, part.area, y);
        if at == selected {
            for line in &open {
                line.draw(buf, text, y);
                y += 1;
            }
        } else {
            head(part, key, width).draw(buf, text, y);
            y += 1;
        }
    }
}

/// The cursor's mark and the rank.
fn mark(part: &Part<'_>, key: &RowKey, at: usize, selected: bool) -> Ink {
    let cursor = if selected && part.focused { "▸ " } else { "  " };
    let ink = Ink::of(Tone::Accent, cursor);
    match key {
        RowKey::Finding(..) => ink.put(Tone::Strong, (at + 1).to_string()),
        _ => ink.put(Tone::Muted, "·"),
    }
}

const fn sure(confidence: Confidence) -> Tone {
    match confidence {
        Confidence::Confirmed => Tone::Bad,
        Confidence::Likely => Tone::Warn,
        Confidence::Possible => Tone::Plain,
    }
}

fn local(part: &Part<'_>, text: &str) -> String {
    localised(text, &part.look.zone, part.shown.case.now.wall)
}

/// A cause in one line.
fn head(part: &Part<'_>, key: &RowKey, width: usize) -> Ink {
    let Some(finding) = rows::finding(part.shown, key) else {
        let RowKey::Outside(text) = key else { return Ink::new() };
        return Ink::of(Tone::Muted, format!("outside this incident: {}", local(part, text)))
            .cut(width);
    };
    let summary = local(part, &finding.summary);
    if matches!(key, RowKey::Recovered(..)) {
        let right = Ink::of(Tone::Muted, finding.cause);
        return fitted(Ink::of(Tone::Muted, format!("over: {summary}")), right, width);
    }
    let right = spent(part, finding)
        .put(sure(finding.confidence), finding.confidence.as_str())
        .put(Tone::Muted, format!("  {}", finding.cause));
    fitted(Ink::of(Tone::Plain, summary), right, width)
}

/// That a repair was tried, when it did not help.
fn spent(part: &Part<'_>, finding: &Finding) -> Ink {
    match tried(part.over, finding) {
        Some(run) => Ink::of(Tone::Warn, format!("tried: {}  ", run.words())),
        None => Ink::new(),
    }
}

/// `left` is cut before `right` is given up, except where there is no room for both.
fn fitted(left: Ink, right: Ink, width: usize) -> Ink {
    let room = width.saturating_sub(right.width() + 2);
    if room < width / 2 { left.cut(width) } else { left.cut(room).with_right(right, width, 0) }
}

/// A cause with everything that speaks for and against it.
fn opened(part: &Part<'_>, key: &RowKey, width: usize) -> Vec<Ink> {
    let Some(finding) = rows::finding(part.shown, key) else {
        let RowKey::Outside(text) = key else { return Vec::new() };
        return broken(
            part,
            Tone::Plain,
            &format!("outside this incident: {}", local(part, text)),
            width,
        );
    };
    let current = matches!(key, RowKey::Finding(..));
    let tone = if current { Tone::Strong } else { Tone::Muted };
    let over = if current { "" } else { "over: " };
    let mut lines = broken(part, tone, &format!("{over}{}", finding.summary), width);
    lines.push(about(part, finding).cut(width));
    if let Some(changed) = &finding.changed_before {
        let words = local(part, &changed.sentence());
        lines.push(Ink::of(Tone::Accent, "changed  ").put(Tone::Plain, words).cut(width));
    }
    if let Some(before) = part.shown.history.before(finding, part.shown.diagnosis) {
        let words = before.words(&part.look.zone, part.shown.case.now.wall);
        let (seen, how) = words.split_once(' ').unwrap_or((words.as_str(), ""));
        let line = Ink::of(Tone::Accent, seen).put(Tone::Plain, format!(" {how}"));
        lines.push(line.cut(width));
    }
    if let Some(next) = &finding.next_check {
        lines.push(
            Ink::of(Tone::Accent, "next check  ").put(Tone::Plain, local(part, next)).cut(width),
        );
    }
    let evidence = |mark, tone, one: &Evidence| {
        let clock = one.at.map(|at| day_clock(at, &part.look.zone, part.shown.case.now.wall));
        let left = Ink::of(tone, mark)
            .put(Tone::Muted, format!(" {} ", clock.unwrap_or_default()))
            .pad(CLOCK)
            .put(Tone::Plain, local(part, &said(one)));
        let origin = if width < 100 { short(&one.origin) } else { whole(part, &one.origin) };
        let origin = Ink::of(Tone::Muted, origin).cut(width / 3);
        fitted(left, origin, width)
    };
    lines.extend(finding.evidence.iter().map(|one| evidence("+", Tone::Good, one)));
    lines.extend(finding.against.iter().map(|one| evidence("-", Tone::Bad, one)));
    lines.extend(finding.missing.iter().map(|missing| {
        let left = Ink::of(Tone::Warn, "?").pad(CLOCK).put(Tone::Plain, &missing.what);
        let right = Ink::of(Tone::Warn, format!("{} is out of sight", missing.source));
        fitted(left, right, width)
    }));
    lines
}

/// What a piece of evidence says, without the head that nginx puts before its messages.
fn said(evidence: &Evidence) -> String {
    let line = nginx_line::parse(&evidence.what);
    line.map_or_else(|| evidence.what.clone(), |line| line.message.to_string())
}

/// An origin, with the name of a container instead of its id.
fn whole(part: &Part<'_>, origin: &Origin) -> String {
    let name = |id: &ContainerId| rows::owner_name(part.shown, Some(&Owner::Container(id.clone())));
    match origin {
        Origin::Docker(id) => format!("docker, {}", name(id)),
        Origin::ContainerLog(id) => format!("log of {}", name(id)),
        other => other.to_string(),
    }
}

/// An origin where there is little room: the page has it whole.
fn short(origin: &Origin) -> String {
    let last = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    match origin {
        Origin::Config(place) => last(place.to_string()),
        Origin::File(path) | Origin::Path(path) => last(path.to_string()),
        Origin::Journal(_) => "journal".to_owned(),
        Origin::Systemd(_) => "systemd".to_owned(),
        Origin::Docker(_) => "docker".to_owned(),
        Origin::ContainerLog(_) => "its log".to_owned(),
        Origin::Cgroup(_) => "cgroup".to_owned(),
        other => other.to_string(),
    }
}

/// How sure, since when, and what else it explains.
fn about(part: &Part<'_>, finding: &Finding) -> Ink {
    let (zone, now) = (&part.look.zone, part.shown.case.now.wall);
    let mut line = spent(part, finding)
        .put(sure(finding.confidence), finding.confidence.as_str())
        .put(Tone::Muted, format!("  {}", finding.cause));
    if let Some(at) = finding.since {
        let text = format!("  since {}, {}", day_clock(at, zone, now), ago(at, now));
        line = line.put(Tone::Plain, text);
    }
    if !finding.explains.is_empty() {
        line = line.put(Tone::Muted, format!("  explains {}", finding.explains.join(", ")));
    }
    line
}

/// A text in as many lines as it needs.
fn broken(part: &Part<'_>, tone: Tone, text: &str, width: usize) -> Vec<Ink> {
    const MARGIN: u16 = 2;
    let mut page = Page::default();
    page.text(tone, local(part, text));
    let width = u16::try_from(width).unwrap_or(u16::MAX).saturating_add(MARGIN);
    let lines = wrap(&page, width, &TimeZone::UTC, part.shown.case.now.wall);
    lines
        .iter()
        .map(|line| {
            line.0.iter().skip(1).fold(Ink::new(), |ink, run| ink.put(run.tone, run.text.as_str()))
        })
        .collect()
}

/// What is said when no cause is found.
fn nothing(part: &Part<'_>) -> Vec<Ink> {
    let shown = part.shown;
    let diagnosis = shown.diagnosis;
    let line = |tone, text: &str| Ink::of(Tone::Plain, "  ").put(tone, text);
    if shown.is_looking() {
        let all = waited_for(shown);
        return vec![
            line(Tone::Strong, "Looking…"),
            line(Tone::Muted, &format!("waiting for {all}; nothing can be called healthy yet")),
        ];
    }
    let mut said = Vec::new();
    if shown.veiled {
        return vec![
            line(Tone::Strong, "Hidden: look around, then name it."),
            Ink::of(Tone::Plain, "  ")
                .put(Tone::Accent, "p")
                .put(Tone::Muted, " name it, ask for a hint, or see it"),
        ];
    }
    if diagnosis.gateways.is_empty() {
        said.push(line(Tone::Strong, "No gateway was found on this host."));
        said.push(line(Tone::Muted, "If nginx runs elsewhere than usual, name its file: --config"));
    } else if diagnosis.status == Status::Healthy {
        said.push(line(Tone::Good, "Nothing is wrong that can be seen from here."));
    } else {
        said.push(line(Tone::Strong, "There is not enough evidence to name a cause."));
    }
    if let Some(words) = diagnosis.without_requests() {
        said.push(line(Tone::Muted, words));
    }
    for spot in diagnosis.blind_spots.iter().take(3) {
        let text = format!("{}: {}", spot.source, spot.hides);
        said.push(line(Tone::Warn, "○ out of sight  ").put(Tone::Plain, text));
    }
    said
}
