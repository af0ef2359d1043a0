//! The sentences at the top, and what was done.

use crate::{
    diagnosis::Status,
    observation::Wall,
    remedy::Ending,
    session::{
        AuditLine,
        figures::{count, percent},
        impact::Measured,
    },
    verification::Verdict,
};

use super::{
    assemble::Parts,
    document::{Cause, Deed, Figure},
    shown,
    times::long,
};

/// The title.
pub(super) fn title(parts: &Parts<'_>, cause: Option<&Cause>) -> String {
    let host = shown(parts.subject.host);
    let day = parts.times.day(parts.times.anchor);
    match cause {
        Some(cause) => format!("{}: {host}, {day}", cause.title),
        None if parts.impact.span.is_some() => format!("Failed requests: {host}, {day}"),
        None => format!("No incident: {host}, {day}"),
    }
}

/// What, since when, why, and by what it was repaired.
pub(super) fn headline(parts: &Parts<'_>, cause: Option<&Cause>) -> String {
    let mut sentences = vec![what(parts)];
    match cause {
        Some(cause) => {
            let sure = if cause.confidence.is_empty() {
                String::new()
            } else {
                format!(" ({})", cause.confidence)
            };
            sentences.push(format!("Cause: {}{sure}.", cause.summary.trim_end_matches('.')));
        }
        None if parts.impact.span.is_some() => sentences.push("No cause was found.".to_owned()),
        None => {}
    }
    sentences.extend(repaired(parts));
    sentences.join(" ")
}

fn what(parts: &Parts<'_>) -> String {
    let (impact, times) = (parts.impact, &parts.times);
    let host = shown(parts.subject.host);
    let Some((first, last)) = impact.span else {
        return match parts.subject.diagnosis.status {
            Status::Failing => {
                format!(
                    "No failed request was counted on {host}, and the way of a request is broken."
                )
            }
            Status::Unknown => format!("Whether requests failed on {host} is not known."),
            _ => format!("No failed request was seen on {host}."),
        };
    };
    let failed = failed(parts);
    if impact.goes_on {
        let since = long(parts.subject.diagnosis.as_of.since(first).as_secs());
        return format!(
            "On {host} requests have failed since {} ({since}): {failed}.",
            times.full(first)
        );
    }
    let lasted = long(last.since(first).as_secs());
    let to = times.short(last);
    format!("On {host} requests failed from {} to {to} ({lasted}): {failed}.", times.full(first))
}

/// `412 of 980, mostly with 502`.
fn failed(parts: &Parts<'_>) -> String {
    let impact = parts.impact;
    let n = count(impact.failures);
    let how_many = match (&impact.measured, impact.requests) {
        (Measured::Requests, Some(all)) => {
            format!("{n} of {} in the minutes with failures", count(all))
        }
        (Measured::Lines(_), _) => format!("{n} failed tries in the error log"),
        _ => n,
    };
    let told = impact.by_status.iter().filter(|(status, _)| **status != 0);
    let most = told.clone().max_by_key(|(status, n)| (**n, u16::MAX - **status));
    let Some((status, n)) = most else { return how_many };
    let with = if told.count() == 1 {
        format!("all with {status}")
    } else if n * 2 > impact.failures {
        format!("mostly with {status}")
    } else {
        format!("most often with {status}")
    };
    format!("{how_many}, {with}")
}

fn repaired(parts: &Parts<'_>) -> Option<String> {
    if let Some(deed) = parts.repair() {
        let (at, by) = (deed.detail.ended.unwrap_or(deed.at), by(deed));
        return Some(format!(
            "Repaired at {} by {by}: {}.",
            parts.times.short(at),
            shown(deed.what.raw()).trim_end_matches('.')
        ));
    }
    if let Some(last) = parts.deeds.last() {
        let (what, by, (verdict, tone)) = (shown(last.what.raw()), by(last), verdict(last));
        return Some(if tone == "good" {
            format!("{what} was tried by {by} ({verdict}), and requests failed again after it.")
        } else {
            format!("{what} was tried by {by}, and did not end it ({verdict}).")
        });
    }
    match (parts.impact.span, parts.impact.goes_on) {
        (Some(_), true) => Some("It is not repaired.".to_owned()),
        (Some(_), false) => Some("It ended without a repair by this program.".to_owned()),
        (None, _) => None,
    }
}

fn by(deed: &AuditLine) -> String {
    let words = if deed.detail.by.is_empty() { deed.who.raw() } else { deed.detail.by.raw() };
    shown(words)
}

/// The figures that a reader asks for first.
pub(super) fn figures(parts: &Parts<'_>) -> Vec<Figure> {
    let (impact, times) = (parts.impact, &parts.times);
    let figure =
        |name: &str, value: String, note: String| Figure { name: name.to_owned(), value, note };
    let mut list = Vec::new();
    let unmeasured = matches!(impact.measured, Measured::Nothing(_)) && impact.failures == 0;
    list.push(if unmeasured {
        figure("Failed requests", "not measured".to_owned(), String::new())
    } else {
        let note = match (&impact.measured, impact.requests) {
            (Measured::Requests, Some(all)) if impact.failures > 0 => {
                format!("{} of {}", percent(impact.failures, all), count(all))
            }
            (Measured::Lines(_), _) => "failed tries in the error log".to_owned(),
            _ => String::new(),
        };
        figure("Failed requests", count(impact.failures), note)
    });
    let Some((first, last)) = impact.span else { return list };
    let end = if impact.goes_on { parts.subject.diagnosis.as_of } else { last };
    let note = if impact.goes_on { "and goes on" } else { "from the first to the last failure" };
    list.push(figure("Lasted", long(end.since(first).as_secs()), note.to_owned()));
    if let Some((minute, most)) = impact.worst {
        let at = times.minute(Wall::from_secs(minute.saturating_mul(60)));
        let usual =
            impact.usual.map_or_else(String::new, |n| format!(", usually {}", count(n.into())));
        list.push(figure("Worst minute", count(most), format!("at {at}{usual}")));
    }
    if let Some(looked) =
        parts.subject.looked.filter(|at| *at >= first && *at <= end.plus_secs(3_600))
    {
        let after = long(looked.since(first).as_secs());
        list.push(figure("First look after", after, format!("at {}", times.short(looked))));
    }
    list.push(match parts.repair() {
        Some(deed) => {
            let at = deed.detail.ended.unwrap_or(deed.at);
            let after = long(at.since(first).as_secs());
            figure("Repaired after", after, format!("at {}", times.short(at)))
        }
        None if impact.goes_on => figure("Repaired after", "not yet".to_owned(), String::new()),
        None => figure(
            "Over after",
            long(last.since(first).as_secs()),
            "without a repair from here".to_owned(),
        ),
    });
    list
}

/// How a deed ended: in a word, and its tone.
pub(super) fn verdict(deed: &AuditLine) -> (&'static str, &'static str) {
    match (deed.detail.verdict, deed.detail.ending) {
        (_, Some(Ending::RolledBack)) => ("taken back", "warn"),
        (_, Some(Ending::NeedsHuman)) => ("needs a person", "bad"),
        (_, Some(Ending::Refused)) => ("refused", "warn"),
        (Some(Verdict::Fixed), _) | (None, Some(Ending::Verified)) => ("fixed", "good"),
        (Some(verdict @ Verdict::Improved), _) => (verdict.words(), "warn"),
        (Some(verdict @ (Verdict::NotFixed | Verdict::Worse)), _) => (verdict.words(), "bad"),
        (Some(verdict @ Verdict::CannotTell), _) => (verdict.words(), "warn"),
        (None, Some(Ending::NotFixed)) => ("not fixed", "bad"),
        (None, Some(Ending::CannotTell)) => ("cannot tell", "warn"),
        (None, Some(Ending::Rehearsed)) => ("looked at", "plain"),
        (None, None) if deed.result.is_empty() => ("not concluded", "warn"),
        (None, None) => ("done", "plain"),
    }
}

/// A deed.
pub(super) fn deed(parts: &Parts<'_>, line: &AuditLine) -> Deed {
    let detail = &line.detail;
    let against = if detail.cause.is_empty() {
        String::new()
    } else if detail.whom.is_empty() {
        shown(detail.cause.raw())
    } else {
        shown(format!("{} of {}", detail.cause.raw(), detail.whom.raw()))
    };
    let (verdict, tone) = verdict(line);
    let took = detail.ended.map(|end| long(end.since(line.at).as_secs()));
    Deed {
        at: parts.times.short(line.at),
        by: by(line),
        what: shown(line.what.raw()),
        against,
        commands: detail.commands.iter().map(|command| shown(command.raw())).collect(),
        verdict: verdict.to_owned(),
        tone,
        result: if line.result.is_empty() {
            String::new()
        } else {
            parts.local(&line.result.to_string())
        },
        took: took.unwrap_or_default(),
    }
}
