//! The state of affairs: in one word, since when, how much, and where we are.

use jiff::{Timestamp, tz::TimeZone};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use crate::{
    diagnosis::{Finding, Status},
    observation::{Gateway, Wall},
    session::{
        Powers, Shown,
        figures::{ago, count, day_clock, percent, span},
        layout::Area,
        page::Tone,
        requests, rows, triage,
    },
};

use super::{
    Snapshot,
    ink::Ink,
    widgets::{per_minute, spark},
};

/// Draws the header into one or two lines.
pub(super) fn draw(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let shown = snapshot.model.shown();
    let width = usize::from(area.width);
    let badge = watermark(&shown).then(badge(&shown));
    let room = width.saturating_sub(badge.width() + 1);
    let told = told(snapshot, &shown, room);
    badge.clone().put(Tone::Plain, " ").then(told).cut(width).draw(buf, area, 0);
    mark(buf, area, badge.width());
    if area.height > 1 {
        let right = whoami(snapshot, width).cut(width / 2);
        let left = gateways(&shown).cut(width.saturating_sub(right.width() + 2));
        left.with_right(right, width, 0).draw(buf, area, 1);
    }
}

/// What tells a recording from the present, on every frame.
fn watermark(shown: &Shown<'_>) -> Ink {
    if shown.replay.is_some() { Ink::of(Tone::Accent, " ▶ REPLAY ") } else { Ink::new() }
}

/// Word and symbol; nothing is called healthy before everybody has looked.
fn badge(shown: &Shown<'_>) -> Ink {
    let (tone, text) = match shown.diagnosis.status {
        Status::Failing => (Tone::Bad, " ✗ FAILING "),
        Status::Degraded => (Tone::Warn, " ◐ DEGRADED "),
        _ if shown.is_looking() => (Tone::Accent, " … LOOKING "),
        Status::Healthy => (Tone::Good, " ● HEALTHY "),
        Status::Unknown => (Tone::Warn, " ? UNKNOWN "),
    };
    Ink::of(tone, text)
}

fn mark(buf: &mut Buffer, area: Area, width: usize) {
    let width = u16::try_from(width).unwrap_or(u16::MAX).min(area.width);
    let rect = Rect::new(area.x, area.y, width, 1).intersection(buf.area);
    buf.set_style(rect, Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED));
}

/// Since when and how much, as far as it fits: what matters least goes first.
fn told(snapshot: &Snapshot<'_>, shown: &Shown<'_>, room: usize) -> Ink {
    let mut parts: Vec<(u8, Ink)> = Vec::new();
    let incident = &shown.diagnosis.incident;
    let (now, zone) = (shown.case.now.wall, &snapshot.look.zone);
    let minutes = requests::by_minute(shown);
    match (incident.first, incident.last) {
        (Some(first), _) if incident.present && shown.diagnosis.status == Status::Failing => {
            let earlier = triage::began(shown);
            let seen = first;
            let first = earlier.map_or(first, |(began, _)| began);
            let since = format!("since {}", day_clock(first, zone, now));
            parts.push((1, Ink::of(Tone::Strong, since)));
            parts.push((3, Ink::of(Tone::Plain, span(now.since(first).as_secs()))));
            parts.push(match earlier {
                Some((_, n)) => {
                    let n = n.max(shown.case.access.totals(None, seen).1);
                    (2, Ink::of(Tone::Strong, count(n)).put(Tone::Plain, " requests failed"))
                }
                None => (2, failed(shown, first, room)),
            });
            let rate = per_minute(&minutes, now);
            let usual = shown.case.triage.as_ref().and_then(|triage| triage.usual);
            let usual = usual.map(|n| format!(", usually {}", count(n.into()))).unwrap_or_default();
            let rate = format!("{}/min{usual}", count(rate.into()));
            parts.push((4, Ink::of(Tone::Plain, rate)));
        }
        (_, Some(last)) => {
            parts.extend(broken(shown));
            parts.push((3, Ink::of(Tone::Plain, format!("last failure {}", ago(last, now)))));
        }
        _ => {
            parts.extend(broken(shown));
            parts.push((3, quiet(shown)));
        }
    }
    if minutes.values().any(|n| *n > 0) {
        parts.push((5, spark(&minutes, now, if room > 104 { 30 } else { 15 }, Tone::Bad)));
    }
    if shown.is_looking() {
        let lasts = snapshot.model.looking_for().filter(|secs| *secs > 0);
        let lasts = lasts.map(|secs| format!(", {secs} s")).unwrap_or_default();
        let text = format!("waiting for {}{lasts}", waited_for(shown));
        parts.insert(0, (1, Ink::of(Tone::Accent, text)));
    }
    if let Some(secs) = snapshot.model.held_for() {
        let age = if secs < 60 { format!("{secs} s") } else { span(secs) };
        let text = format!("held still, {age} old");
        parts.insert(0, (1, Ink::of(Tone::Warn, text)));
    }
    fit(parts, room)
}

/// Names of the sources that have not answered.
pub(super) fn waited_for(shown: &Shown<'_>) -> String {
    const NAMED: usize = 4;
    let waiting = shown.waiting();
    let names: Vec<&str> = waiting.iter().take(NAMED).map(|id| id.as_str()).collect();
    match waiting.len() {
        0 => "the first answer".to_owned(),
        1..=NAMED => names.join(", "),
        n => format!("{} and {} more", names.join(", "), n - NAMED),
    }
}

fn failed(shown: &Shown<'_>, since: Wall, room: usize) -> Ink {
    let (all, failed) = shown.case.access.totals(None, since);
    if all == 0 {
        let n = count(shown.diagnosis.incident.failures);
        return Ink::of(Tone::Strong, n).put(Tone::Plain, " failed requests");
    }
    if room < 50 {
        return Ink::of(Tone::Strong, percent(failed, all)).put(Tone::Plain, " fail");
    }
    Ink::of(Tone::Strong, count(failed))
        .put(Tone::Plain, format!(" of {} requests failed, {}", count(all), percent(failed, all)))
}

/// Upstreams that are down, where no failure tells.
fn broken(shown: &Shown<'_>) -> Option<(u8, Ink)> {
    let all = &shown.diagnosis.upstreams;
    let down = all.iter().filter(|row| row.state == "down").count();
    let text = format!("{down} of {} upstreams down", all.len());
    (down > 0).then(|| (2, Ink::of(Tone::Strong, text)))
}

/// Without failures: whether there were requests at all.
fn quiet(shown: &Shown<'_>) -> Ink {
    let now = shown.case.now.wall;
    let (all, _) = shown.case.access.totals(None, now.minus_secs(900));
    if all == 0 {
        return Ink::of(Tone::Muted, "no request was seen lately");
    }
    Ink::of(Tone::Plain, format!("{} requests in 15 min", count(all)))
        .put(Tone::Good, ", none failed")
}

/// Joins parts, leaving out those with the highest number until they fit.
pub(super) fn fit(mut parts: Vec<(u8, Ink)>, room: usize) -> Ink {
    loop {
        let joined = parts.iter().fold(Ink::new(), |line, (_, part)| {
            let gap = if line.is_empty() { "" } else { "  " };
            line.put(Tone::Plain, gap).then(part.clone())
        });
        if joined.width() <= room || parts.len() <= 1 {
            return joined.cut(room);
        }
        let worst = parts.iter().map(|(n, _)| *n).max();
        if worst.is_some_and(|worst| worst > 1) {
            parts.retain(|(n, _)| Some(*n) != worst);
        } else {
            parts.pop();
        }
    }
}

/// User, host, mode, clock.
fn whoami(snapshot: &Snapshot<'_>, width: usize) -> Ink {
    let look = snapshot.look;
    let mode = match snapshot.model.powers {
        Powers::Act => "may act",
        Powers::Look => "read-only",
        Powers::Replay => "recorded",
    };
    if width < 64 {
        return Ink::of(Tone::Plain, &look.host).put(Tone::Muted, format!(" {mode} "));
    }
    let at = if look.user.is_empty() { "" } else { "@" };
    Ink::of(Tone::Plain, format!("{}{at}{}", look.user, look.host))
        .put(Tone::Muted, format!("  {mode}  "))
        .then(clock(snapshot))
}

pub(super) fn gateways(shown: &Shown<'_>) -> Ink {
    let mut line = Ink::of(Tone::Plain, " ");
    let all = &shown.diagnosis.gateways;
    if all.is_empty() && !shown.is_looking() {
        return line.put(Tone::Warn, "no gateway was found on this host");
    }
    let failing = |gateway: &Gateway| {
        let of = |finding: &Finding| finding.subject.gateway.as_ref() == Some(&gateway.id);
        shown.diagnosis.findings.iter().any(of)
    };
    // One that is installed and that nobody misses beside one that runs is no news.
    let one_runs = all.iter().any(|gateway| gateway.running);
    let rests = |gateway: &Gateway| one_runs && !gateway.running && !failing(gateway);
    let mut named: Vec<&Gateway> = all.iter().filter(|gateway| !rests(gateway)).collect();
    named.sort_by_key(|gateway| (!failing(gateway), !gateway.running));
    for gateway in named.iter().take(2) {
        let version = gateway.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
        line = line.put(Tone::Strong, format!("{}{version}", gateway.kind.as_str()));
        line = if gateway.running {
            line.put(Tone::Good, " running")
        } else {
            line.put(Tone::Bad, " not running")
        };
        let home = rows::home(shown, &gateway.id).map(|home| format!(" of {home}"));
        line = line.put(Tone::Muted, home.unwrap_or_default());
        line = line.put(Tone::Muted, format!("  {}  ", gateway.config));
    }
    if named.len() > 2 {
        line = line.put(Tone::Muted, format!("and {} more  ", named.len() - 2));
    }
    let resting = all.len() - named.len();
    if resting > 0 {
        line = line.put(Tone::Muted, format!("+{resting} installed, not running"));
    }
    line
}

/// The local time of the newest observation, with the zone's offset.
pub(super) fn clock(snapshot: &Snapshot<'_>) -> Ink {
    let now = snapshot.model.case.now.wall;
    if now == Wall::default() {
        return Ink::new();
    }
    let at = Timestamp::from_microsecond(now.0).unwrap_or_default();
    let offset = if snapshot.look.zone == TimeZone::UTC {
        "UTC".to_owned()
    } else {
        at.to_zoned(snapshot.look.zone.clone()).strftime("%:z").to_string()
    };
    Ink::of(Tone::Plain, now.clock(&snapshot.look.zone)).put(Tone::Muted, format!(" {offset} "))
}
