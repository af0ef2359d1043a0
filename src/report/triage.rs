//! What logs say, for people and for scripts (`gatemedic.triage/1`).

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    diagnosis::Status,
    observation::{Ranked, Ranking, Triage, TriagedError, Wall},
    session::figures::{bytes, count, percent},
};

use super::page::{Ink, Layout, Page};

/// The schema's name.
pub const SCHEMA: &str = "gatemedic.triage/1";

/// Columns of labels.
const LABELS: usize = 11;
/// Columns of the curve.
const CURVE: i64 = 60;
/// Minutes of calm before the curve's trouble.
const LEAD: i64 = 10;
/// Values of one kind, error messages, files and notes that are printed.
const ROWS: usize = 8;
const FILES: usize = 6;
const NOTES: usize = 12;

/// How the text is laid out.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The zone in which times are told.
    pub zone: &'a TimeZone,
    /// Columns and colours.
    pub layout: Layout,
    /// Whether only ASCII may be written.
    pub ascii: bool,
    /// Files that were not read, each with the reason; sanitised.
    pub missed: &'a [String],
}

/// The state at the end of the logs.
pub fn status(triage: &Triage) -> Status {
    match &triage.episode {
        Some(episode) if episode.goes_on => Status::Failing,
        Some(_) => Status::Degraded,
        None if triage.failures > 0 || triage.error_failures > 0 => Status::Degraded,
        None if triage.tells => Status::Healthy,
        None => Status::Unknown,
    }
}

/// The report for people.
pub fn text(triage: &Triage, frame: &Frame<'_>) -> String {
    let mut page = Page::new(frame.layout);
    let times = Times::new(triage, frame.zone);
    headline(&mut page, triage, &times);
    files(&mut page, triage, &times);
    if let Some(curve) = curve(triage, &times, frame.ascii) {
        page.blank();
        page.text(if triage.requests > 0 {
            "Failed requests a minute"
        } else {
            "Failed tries a minute"
        });
        page.whole(("", Ink::Plain), 0, &curve.line, Ink::Bad);
        page.labelled(("", Ink::Plain), 0, &curve.legend, Ink::Faint);
    }
    facts(&mut page, triage, &times);
    let from =
        if triage.upstreams_from_errors { "Upstreams (from error lines)" } else { "Upstreams" };
    let began = triage.episode.as_ref().map(|episode| episode.first);
    ranking(&mut page, from, &triage.upstreams, (began, &times));
    ranking(&mut page, "What was asked for", &triage.urls, (began, &times));
    if triage.hosts.top.len() > 1 {
        ranking(&mut page, "Hosts", &triage.hosts, (began, &times));
    }
    ranking(&mut page, "How the gateway says that it ended", &triage.flags, (began, &times));
    errors(&mut page, triage, &times);
    let notes: Vec<String> = triage.notes.iter().map(ToString::to_string).collect();
    list(&mut page, "To be said about the logs", &notes);
    list(&mut page, "Not read", frame.missed);
    page.finish()
}

/// The answer as the last paragraph of a diagnosis; empty when the logs say nothing.
pub fn paragraph(triage: &Triage, now: Wall, zone: &TimeZone, layout: Layout) -> String {
    let Some(said) = crate::session::triage::sentence(triage, now, zone) else {
        return String::new();
    };
    let mut page = Page::new(layout);
    page.text("In the logs of the last 24 hours");
    page.labelled(("", Ink::Plain), 0, &said, Ink::Plain);
    let notes = triage.notes.iter().take(3);
    for note in notes {
        page.labelled(("", Ink::Plain), 0, &note.to_string(), Ink::Faint);
    }
    format!("\n{}", page.finish())
}

fn headline(page: &mut Page, triage: &Triage, times: &Times<'_>) {
    let usual = triage.usual.map(|n| format!(", usually {} a minute", count(n.into())));
    let usual = usual.unwrap_or_default();
    let what = if triage.requests > 0 { "requests" } else { "tries" };
    match (&triage.episode, status(triage)) {
        (Some(episode), Status::Failing) => {
            let n = count(episode.failures);
            let said = format!("since {}, {n} {what} failed{usual}", times.short(episode.first));
            page.headline("FAILING", Ink::Bad, &said);
        }
        (Some(episode), _) => {
            let (first, last) = (times.short(episode.first), times.short(episode.last));
            let said =
                format!("{} {what} failed from {first} to {last}{usual}", count(episode.failures));
            page.headline("OVER", Ink::Warning, &said);
        }
        (None, Status::Degraded) => {
            let n = count(triage.failures.max(triage.error_failures));
            page.headline(
                "SOME FAILED",
                Ink::Warning,
                &format!("{n} {what}, no more than is usual{usual}"),
            );
        }
        (None, Status::Healthy) => {
            let said = if triage.requests > 0 {
                "no request failed"
            } else {
                "no line tells of a failed request"
            };
            page.headline("NONE FAILED", Ink::Good, said);
        }
        (None, _) => {
            page.headline("UNKNOWN", Ink::Warning, "nothing was read that tells of requests");
        }
    }
}

fn files(page: &mut Page, triage: &Triage, times: &Times<'_>) {
    let span = match (triage.from, triage.to) {
        (Some(from), Some(to)) => format!(", {} to {}", times.dated(from), times.short(to)),
        _ => String::new(),
    };
    if triage.requests > 0 {
        page.text(&format!("{} requests{span}", count(triage.requests)));
    } else if triage.error_lines > 0 {
        page.text(&format!("{} error lines{span}", count(triage.error_lines)));
    }
    for log in triage.logs.iter().take(FILES) {
        let size = bytes(log.bytes);
        let format =
            if log.format.is_empty() { "not read".to_owned() } else { log.format.to_string() };
        page.labelled(("", Ink::Plain), 0, &format!("{}: {format}, {size}", log.path), Ink::Faint);
    }
    let more = triage.logs.len().saturating_sub(FILES);
    if more > 0 {
        page.labelled(("", Ink::Plain), 0, &format!("and {more} more files"), Ink::Faint);
    }
}

fn facts(page: &mut Page, triage: &Triage, times: &Times<'_>) {
    let mut fact = |label: &str, text: String| {
        page.labelled((label, Ink::Strong), LABELS, &text, Ink::Plain);
    };
    if let Some(episode) = &triage.episode {
        fact("first", times.short(episode.first));
        let minute = Wall::from_secs(episode.peak_minute.saturating_mul(60));
        let of = triage.minutes.iter().find(|one| one.minute == episode.peak_minute);
        let of = of.map(|one| one.requests).filter(|all| *all >= u64::from(episode.peak));
        let of = of.map(|all| format!(" of about {}", count(all))).unwrap_or_default();
        fact(
            "peak",
            format!(
                "{}, {} failed{of} in that minute",
                times.minute(minute),
                count(episode.peak.into())
            ),
        );
        let on = if episode.goes_on { ", until the end of the logs" } else { "" };
        fact("last", format!("{}{on}", times.short(episode.last)));
    }
    if let Some(usual) = triage.usual {
        let of = count(triage.usual_from);
        fact(
            "usual",
            format!("{} a minute, learned from {of} minutes before", count(usual.into())),
        );
    }
    if !triage.by_status.is_empty() {
        let mut all: Vec<(&u16, &u64)> = triage.by_status.iter().collect();
        all.sort_by_key(|(status, n)| (std::cmp::Reverse(**n), **status));
        let words = all.iter().take(6).map(|(status, n)| format!("{status}: {}", count(**n)));
        fact("status", words.collect::<Vec<_>>().join(", "));
    }
}

fn ranking(
    page: &mut Page,
    title: &str,
    ranking: &Ranking,
    (episode, times): (Option<Wall>, &Times<'_>),
) {
    let rows: Vec<&Ranked> =
        ranking.top.iter().filter(|row| row.in_episode > 0).take(ROWS).collect();
    if rows.is_empty() {
        return;
    }
    page.blank();
    page.text(title);
    let all: u64 = ranking.top.iter().map(|row| row.in_episode).sum();
    let wide = rows.iter().map(|row| count(row.in_episode).len()).max().unwrap_or(1).max(5);
    for row in &rows {
        let share = percent(row.in_episode, all);
        let label = format!("{:>wide$}  {share:>5}", count(row.in_episode));
        // One that failed now and then before did not begin with its first failure.
        let began = row.first.filter(|at| episode.is_none_or(|first| *at >= first));
        let since = began.map(|at| format!(", since {}", times.short(at))).unwrap_or_default();
        let said = if row.meaning.is_empty() {
            format!("{}{since}", row.name)
        } else {
            format!("{}{since}: {}", row.name, row.meaning)
        };
        page.labelled((&label, Ink::Strong), wide + 9, &said, Ink::Plain);
    }
    let more = ranking.top.iter().filter(|row| row.in_episode > 0).count().saturating_sub(ROWS);
    if more > 0 || ranking.error > 0 {
        let mut said = String::new();
        if more > 0 {
            said = format!("and {more} more with less");
        }
        if ranking.error > 0 {
            let sep = if said.is_empty() { "" } else { "; " };
            said = format!(
                "{said}{sep}rare ones were dropped, a count may be {} too low",
                count(ranking.error)
            );
        }
        page.labelled(("", Ink::Plain), wide + 9, &said, Ink::Faint);
    }
}

fn errors(page: &mut Page, triage: &Triage, times: &Times<'_>) {
    if triage.errors.is_empty() {
        return;
    }
    page.blank();
    page.text(&format!("Error lines ({} read)", count(triage.error_lines)));
    let rows: Vec<&TriagedError> = triage.errors.iter().take(ROWS).collect();
    let wide = rows.iter().map(|row| count(row.count).len()).max().unwrap_or(1).max(5);
    for row in rows {
        let span = match (row.first, row.last) {
            (Some(first), Some(last)) if first != last => {
                format!(" ({} to {})", times.short(first), times.short(last))
            }
            (Some(first), _) => format!(" ({})", times.short(first)),
            _ => String::new(),
        };
        let sample: String = row.sample.to_string().chars().take(160).collect();
        let label = count(row.count);
        page.labelled(
            (&format!("{label:>wide$}"), Ink::Strong),
            wide + 2,
            &format!("{sample}{span}"),
            Ink::Plain,
        );
        if let Some(signature) = &row.signature {
            let said = format!("{} ({signature})", row.meaning);
            page.labelled(("", Ink::Plain), wide + 2, &said, Ink::Faint);
        }
    }
    let more = triage.errors.len().saturating_sub(ROWS);
    if more > 0 {
        page.labelled(
            ("", Ink::Plain),
            wide + 2,
            &format!("and {more} other messages"),
            Ink::Faint,
        );
    }
}

fn list(page: &mut Page, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    page.blank();
    page.text(title);
    for item in items.iter().take(NOTES) {
        page.labelled(("", Ink::Plain), 0, item, Ink::Plain);
    }
    let more = items.len().saturating_sub(NOTES);
    if more > 0 {
        page.labelled(("", Ink::Plain), 0, &format!("and {more} more"), Ink::Faint);
    }
}

struct Curve {
    line: String,
    legend: String,
}

/// Failures by minute around the episode, at most [`CURVE`] columns wide.
fn curve(triage: &Triage, times: &Times<'_>, ascii: bool) -> Option<Curve> {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];
    let last_stamp = triage.to?.0.div_euclid(60_000_000);
    let first_stamp = triage.from?.0.div_euclid(60_000_000);
    let (begin, end) = match &triage.episode {
        Some(episode) => {
            let minute = |at: Wall| at.0.div_euclid(60_000_000);
            let (first, last) = (minute(episode.first), minute(episode.last));
            let lead = LEAD.max((last - first) / 4);
            (first - lead, (last + lead).min(last_stamp))
        }
        None => (triage.minutes.first()?.minute, triage.minutes.last()?.minute),
    };
    let begin = begin.max(first_stamp);
    let all = (end - begin + 1).max(1);
    let each = (all + CURVE - 1) / CURVE;
    let columns = (all + each - 1) / each;
    let mut sums: BTreeMap<i64, u64> = BTreeMap::new();
    for one in triage.minutes.iter().filter(|one| (begin..=end).contains(&one.minute)) {
        *sums.entry((one.minute - begin) / each).or_default() += u64::from(one.failures());
    }
    let most = sums.values().copied().max().filter(|most| *most > 0)?;
    let levels = if ascii { ASCII } else { LEVELS };
    let line = (0..columns)
        .map(|column| {
            let n = sums.get(&column).copied().unwrap_or(0);
            let level = if n == 0 { 0 } else { 1 + n.saturating_mul(6) / most };
            usize::try_from(level).ok().and_then(|at| levels.get(at)).copied().unwrap_or('#')
        })
        .collect();
    let at = |minute: i64| times.minute(Wall::from_secs(minute.saturating_mul(60)));
    let unit = if each == 1 { "a minute".to_owned() } else { format!("{each} minutes") };
    let most = count(most);
    let legend = format!("{} to {}, a column is {unit}, at most {most} in one", at(begin), at(end));
    Some(Curve { line, legend })
}

/// Tells times in the person's zone, with the date where it is not that of the logs' end.
struct Times<'a> {
    zone: &'a TimeZone,
    day: String,
}

impl<'a> Times<'a> {
    fn new(triage: &Triage, zone: &'a TimeZone) -> Self {
        let mut times = Self { zone, day: String::new() };
        times.day = triage.to.map(|at| times.format(at, "%Y-%m-%d")).unwrap_or_default();
        times
    }

    fn format(&self, at: Wall, form: &str) -> String {
        let at = Timestamp::from_microsecond(at.0).unwrap_or_default();
        at.to_zoned(self.zone.clone()).strftime(form).to_string()
    }

    fn short(&self, at: Wall) -> String {
        if self.format(at, "%Y-%m-%d") == self.day { at.clock(self.zone) } else { self.dated(at) }
    }

    fn minute(&self, at: Wall) -> String {
        let same = self.format(at, "%Y-%m-%d") == self.day;
        self.format(at, if same { "%H:%M" } else { "%b %d %H:%M" })
    }

    fn dated(&self, at: Wall) -> String {
        self.format(at, "%b %d %H:%M:%S")
    }
}

/// The answer for scripts. Every text in it has passed the sanitiser.
pub fn document(triage: &Triage, missed: &[String]) -> Value {
    json!({
        "schema": SCHEMA,
        "status": status(triage).as_str(),
        "from": stamp(triage.from),
        "to": stamp(triage.to),
        "requests": triage.requests,
        "failures": triage.failures,
        "by_status": by_status(triage.by_status.iter().map(|(status, n)| (*status, *n))),
        "usual_per_minute": triage.usual,
        "usual_learned_minutes": triage.usual_from,
        "episode": triage.episode.as_ref().map(|episode| json!({
            "first": episode.first.rfc3339(),
            "last": episode.last.rfc3339(),
            "failures": episode.failures,
            "goes_on": episode.goes_on,
            "peak": { "minute": minute(episode.peak_minute), "failures": episode.peak },
        })),
        "minutes": triage.minutes.iter().map(|one| json!({
            "minute": minute(one.minute),
            "failures": one.failures(),
            "requests_estimated": one.requests,
            "by_status": by_status(one.by_status.iter().map(|(s, n)| (*s, u64::from(*n)))),
        })).collect::<Vec<_>>(),
        "upstreams": ranked(&triage.upstreams),
        "upstreams_from": if triage.upstreams_from_errors { "error-lines" } else { "requests" },
        "urls": ranked(&triage.urls),
        "hosts": ranked(&triage.hosts),
        "flags": ranked(&triage.flags),
        "error_lines": triage.error_lines,
        "error_failures": triage.error_failures,
        "errors": triage.errors.iter().map(|error| json!({
            "count": error.count,
            "first": stamp(error.first),
            "last": stamp(error.last),
            "signature": error.signature.as_ref().map(ToString::to_string),
            "meaning": error.meaning.to_string(),
            "sample": error.sample.to_string(),
            "is_failed_try": error.failure,
        })).collect::<Vec<_>>(),
        "logs": triage.logs.iter().map(|log| json!({
            "path": log.path.to_string(),
            "format": log.format.to_string(),
            "bytes": log.bytes,
            "lines": log.lines,
            "failures": log.failures,
            "from": stamp(log.from),
            "to": stamp(log.to),
        })).collect::<Vec<_>>(),
        "notes": triage.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "not_read": missed,
    })
}

fn ranked(ranking: &Ranking) -> Value {
    json!({
        "counted": ranking.counted,
        "others": ranking.others,
        "counts_low_by_at_most": ranking.error,
        "top": ranking.top.iter().map(|row| json!({
            "name": row.name.to_string(),
            "failures": row.failures,
            "in_episode": row.in_episode,
            "first": stamp(row.first),
            "last": stamp(row.last),
            "meaning": row.meaning.to_string(),
            "minutes": row.minutes.iter().map(|(at, n)| json!({
                "minute": minute(*at), "failures": n
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

/// Status 0 stands for failures whose status no line tells.
fn by_status(counts: impl Iterator<Item = (u16, u64)>) -> Value {
    let name = |status: u16| if status == 0 { "unknown".to_owned() } else { status.to_string() };
    Value::Object(counts.map(|(status, n)| (name(status), n.into())).collect())
}

fn stamp(at: Option<Wall>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.rfc3339()))
}

fn minute(minute: i64) -> String {
    Wall::from_secs(minute.saturating_mul(60)).rfc3339()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Episode, Text, TriageMinute, TriagedLog};

    fn triage() -> Triage {
        let first = Wall::from_secs(1_795_198_662);
        let minute = first.0 / 60_000_000;
        let one = |n: i64| TriageMinute {
            minute: minute + n,
            requests: 300,
            by_status: BTreeMap::from([(502, 20 + u32::try_from(n).unwrap())]),
        };
        let ranked = |name: &str, n| Ranked {
            name: Text::from(name),
            failures: n,
            in_episode: n,
            first: Some(first),
            last: Some(first.plus_secs(600)),
            ..Ranked::default()
        };
        Triage {
            logs: vec![TriagedLog {
                path: "/var/log/nginx/access.log".into(),
                format: "requests (common or combined)".into(),
                bytes: 1 << 30,
                lines: 5_000_000,
                failures: 245,
                from: Some(first.minus_secs(40_000)),
                to: Some(first.plus_secs(605)),
            }],
            from: Some(first.minus_secs(90_000)),
            to: Some(first.plus_secs(605)),
            tells: true,
            requests: 5_000_000,
            failures: 245,
            by_status: BTreeMap::from([(502, 245)]),
            minutes: (0..10).map(one).collect(),
            usual: Some(0),
            usual_from: 1_440,
            episode: Some(Episode {
                first,
                last: first.plus_secs(600),
                peak_minute: minute + 9,
                peak: 29,
                failures: 245,
                goes_on: true,
            }),
            upstreams: Ranking {
                top: vec![ranked("unix:/run/php/\u{1b}[2Jphp8.2-fpm.sock", 240), ranked("10.0.0.1:80", 5)],
                counted: 245,
                ..Ranking::default()
            },
            urls: Ranking {
                top: vec![ranked(&format!("GET /{}", "long/".repeat(30)), 245)],
                counted: 245,
                ..Ranking::default()
            },
            errors: vec![TriagedError {
                count: 240,
                first: Some(first),
                last: Some(first.plus_secs(600)),
                signature: Some("sym-unix-missing".into()),
                meaning: "The socket does not exist.".into(),
                sample: "connect() to unix:/run/php/php8.2-fpm.sock failed (2: No such file or directory)".into(),
                failure: true,
            }],
            error_lines: 300,
            error_failures: 240,
            notes: vec!["access.log: the time goes back".into()],
            ..Triage::default()
        }
    }

    fn told(columns: usize, ascii: bool) -> String {
        let frame = Frame {
            zone: &TimeZone::UTC,
            layout: Layout { columns, colour: false },
            ascii,
            missed: &["x.zst: it is packed with zstd".to_owned()],
        };
        text(&triage(), &frame)
    }

    #[test]
    fn the_answer_stands_first_and_fits() {
        let text = told(80, false);
        assert!(
            text.starts_with("FAILING since 18:17:42, 245 requests failed, usually 0 a minute\n"),
            "{text}"
        );
        for words in [
            "5,000,000 requests, Nov 19 17:17:42 to 18:27:47",
            "peak       18:26, 29 failed of about 300 in that minute",
            "last       18:27:42, until the end of the logs",
            "learned from 1,440 minutes before",
            "  240   97 %  unix:/run/php/",
            "(sym-unix-missing)",
            "x.zst: it is packed with zstd",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(text.contains('█') && !text.contains('\u{1b}'), "{text}");
        let wide = text.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{text}");
    }

    #[test]
    fn ascii_draws_the_curve_with_what_it_has() {
        let text = told(80, true);
        let curve = text.lines().skip_while(|line| !line.starts_with("Failed requests")).nth(1);
        assert!(curve.is_some_and(|line| line.is_ascii() && line.contains('#')), "{text}");
    }
}
