//! From counts to an answer: what is usual, since when it is worse, and where.

use std::collections::BTreeMap;

use crate::{
    evidence::Signatures,
    observation::{Episode, Program, Text, Triage, TriageMinute, TriagedLog, Wall},
};

use super::{
    errors::ErrorTally,
    scan::{Holds, Scanned},
    tally::Tally,
};

/// A pause of more minutes ends an episode.
const PAUSE: i64 = 10;
/// Failures that an episode has at least, unless half of all requests failed.
const LEAST: u64 = 5;
/// It goes on when the last failure is at most so long before the end, in seconds.
const GOES_ON: i64 = 180;
/// Minutes from which something usual can be learned.
const LEARNED: u64 = 10;
/// Fewer minutes than this say nothing of what is usual when something fails in all of them.
const SHORT: i64 = 60;
/// Minutes shown.
const SHOWN: usize = 1_440;
/// Files listed.
const LOGS: usize = 64;

/// One file that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its name.
    pub path: Text,
    /// What it holds; `None` when nothing could be made of it.
    pub holds: Option<Holds>,
    /// What was met.
    pub scanned: Scanned,
    /// What is to be said about it, as sentences without its name and a full stop.
    pub notes: Vec<String>,
}

/// The answer. `now` is when the logs end if they are still written to; without it they end with
/// their last stamp.
pub fn answer(tally: Tally, errors: &ErrorTally, read: &[Read], now: Option<Wall>) -> Triage {
    let tally = tally.finished();
    let by_requests = !tally.minutes.is_empty();
    let counts: BTreeMap<i64, Count> = if by_requests {
        let count = |(minute, one): (&i64, &super::tally::Minute)| {
            let span = one.span.unwrap_or_default();
            (*minute, Count { failures: one.failures(), requests: one.requests, span })
        };
        tally.minutes.iter().map(count).collect()
    } else {
        let count = |(minute, (n, first, last)): (&i64, &(u32, Wall, Wall))| {
            (*minute, Count { failures: *n, requests: 0, span: (*first, *last) })
        };
        errors.minutes.iter().map(count).collect()
    };
    let from = read.iter().filter_map(|log| log.scanned.from).min();
    let to = read.iter().filter_map(|log| log.scanned.to).max();
    let (from, to) = if by_requests { (tally.from, tally.to) } else { (from, to) };
    let end = now.or(to);
    let (usual, usual_from, episode) = judge(&counts, from, to, end);
    let window = episode.as_ref().map(|episode| (episode.first, episode.last));
    let upstreams_from_errors = tally.upstreams.is_empty();
    let upstreams = if upstreams_from_errors { &errors.upstreams } else { &tally.upstreams };
    let nothing = |_: &[u8]| Text::default();
    let tells = read.iter().any(|log| {
        log.scanned.lines > 0
            && match &log.holds {
                Some(Holds::Requests(_)) => true,
                Some(Holds::Lines(program)) => program.is_gateway(),
                None => false,
            }
    });
    Triage {
        logs: logs(read),
        tells,
        from,
        to,
        requests: tally.requests,
        failures: tally.failures,
        by_status: tally.by_status.clone(),
        minutes: minutes(&tally, errors, by_requests),
        usual,
        usual_from,
        episode,
        upstreams: upstreams.ranking(window, nothing),
        upstreams_from_errors,
        urls: tally.urls.ranking(window, nothing),
        hosts: tally.hosts.ranking(window, nothing),
        flags: tally.flags.ranking(window, |flags| meaning(&tally, flags)),
        errors: errors.groups(),
        error_failures: errors.failures,
        error_lines: errors.lines,
        notes: notes(&tally, errors, read),
    }
}

/// One minute, for judging.
#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    requests: u64,
    span: (Wall, Wall),
}

/// What is usual, from how many minutes that was learned, and the newest episode.
fn judge(
    counts: &BTreeMap<i64, Count>,
    from: Option<Wall>,
    to: Option<Wall>,
    end: Option<Wall>,
) -> (Option<u32>, u64, Option<Episode>) {
    let (Some(from), Some(to)) = (from, to) else { return (None, 0, None) };
    let (first, last) = (minute(from), minute(to));
    let failing: Vec<(i64, Count)> = counts
        .iter()
        .filter(|(_, count)| count.failures > 0)
        .map(|(m, count)| (*m, *count))
        .collect();
    // A quarter of all minutes is certainly usual, even when the logs begin with the trouble.
    let mut quiet = quantile(&failing, first, last, 4);
    let mut chosen = newest_cluster(&failing, quiet);
    // Unless they hold nothing else: a short piece, or one in which so much fails all along.
    let (failures, requests) = counts.values().fold((0, 0), |(failures, requests), count| {
        (failures + u64::from(count.failures), requests + count.requests)
    });
    let short = last - first < SHORT;
    if chosen.is_none() && (short || (requests > 0 && failures * 10 >= requests)) {
        quiet = 0;
        chosen = newest_cluster(&failing, quiet);
    }
    let before = chosen.as_ref().and_then(|cluster| cluster.first()).map_or(last + 1, |(m, _)| *m);
    let learned = u64::try_from(before - first).unwrap_or(0);
    let older: Vec<(i64, Count)> = failing.iter().filter(|(m, _)| *m < before).copied().collect();
    let usual = (learned >= LEARNED).then(|| quantile(&older, first, before - 1, 2));
    let learned = if usual.is_some() { learned } else { 0 };
    let Some(cluster) = chosen else { return (usual, learned, None) };
    (usual, learned, episode(&cluster, &failing, usual.unwrap_or(0).max(quiet), end))
}

/// The newest run of minutes with more failures than is usual that is worth the name.
fn newest_cluster(failing: &[(i64, Count)], quiet: u32) -> Option<Vec<(i64, Count)>> {
    let least = if quiet == 0 { 1 } else { quiet.saturating_mul(3).saturating_add(3) };
    let mut clusters: Vec<Vec<(i64, Count)>> = Vec::new();
    for (minute, count) in failing.iter().filter(|(_, count)| count.failures >= least) {
        match clusters.last_mut() {
            Some(open) if open.last().is_some_and(|(m, _)| minute - m <= PAUSE) => {
                open.push((*minute, *count));
            }
            _ => clusters.push(vec![(*minute, *count)]),
        }
    }
    clusters.into_iter().rev().find(|cluster| {
        let failures: u64 = cluster.iter().map(|(_, count)| u64::from(count.failures)).sum();
        let requests: u64 = cluster.iter().map(|(_, count)| count.requests).sum();
        failures >= LEAST || (requests > 0 && failures * 2 >= requests)
    })
}

fn episode(
    cluster: &[(i64, Count)],
    failing: &[(i64, Count)],
    usual: u32,
    end: Option<Wall>,
) -> Option<Episode> {
    let (mut begin, _) = *cluster.first()?;
    let (mut finish, _) = *cluster.last()?;
    // It begins and ends with minutes that are not bad enough by themselves.
    let above = |minute: i64| {
        let at = failing.binary_search_by_key(&minute, |(m, _)| *m).ok();
        at.and_then(|at| failing.get(at))
            .is_some_and(|(_, count)| count.failures > usual.saturating_mul(2))
    };
    while above(begin - 1) {
        begin -= 1;
    }
    while above(finish + 1) {
        finish += 1;
    }
    let inside = || failing.iter().filter(|(m, _)| (begin..=finish).contains(m));
    let first = inside().map(|(_, count)| count.span.0).min()?;
    let last = inside().map(|(_, count)| count.span.1).max()?;
    let failures = inside().map(|(_, count)| u64::from(count.failures)).sum();
    let (peak_minute, peak) =
        inside().map(|(m, count)| (*m, count.failures)).max_by_key(|(m, n)| (*n, -*m))?;
    let goes_on = end.is_none_or(|end| last >= end.minus_secs(GOES_ON));
    Some(Episode { first, last, peak_minute, peak, failures, goes_on })
}

/// The failures that one in `part` of the minutes `first..=last` does not exceed; minutes without
/// an entry have none.
fn quantile(failing: &[(i64, Count)], first: i64, last: i64, part: u64) -> u32 {
    let all = u64::try_from(last - first + 1).unwrap_or(1).max(1);
    let quiet = all.saturating_sub(failing.len() as u64);
    let rank = all / part;
    if rank < quiet || failing.is_empty() {
        return 0;
    }
    let mut counts: Vec<u32> = failing.iter().map(|(_, count)| count.failures).collect();
    counts.sort_unstable();
    let at = usize::try_from(rank - quiet).unwrap_or(0);
    counts.get(at).or(counts.last()).copied().unwrap_or(0)
}

fn minute(at: Wall) -> i64 {
    at.0.div_euclid(60_000_000)
}

fn minutes(tally: &Tally, errors: &ErrorTally, by_requests: bool) -> Vec<TriageMinute> {
    let mut all: Vec<TriageMinute> = if by_requests {
        let failed = tally.minutes.iter().filter(|(_, one)| one.failures() > 0);
        let told = failed.map(|(minute, one)| TriageMinute {
            minute: *minute,
            requests: one.requests,
            by_status: one.by_status.iter().copied().collect(),
        });
        told.collect()
    } else {
        // Error lines do not tell the status.
        let told = errors.minutes.iter().map(|(minute, (n, _, _))| TriageMinute {
            minute: *minute,
            requests: 0,
            by_status: BTreeMap::from([(0, *n)]),
        });
        told.collect()
    };
    let more = all.len().saturating_sub(SHOWN);
    all.drain(..more);
    all
}

/// What the gateway means by flags, from a line that has them.
fn meaning(tally: &Tally, flags: &[u8]) -> Text {
    let Some(line) = tally.told.get(flags) else { return Text::default() };
    let line = String::from_utf8_lossy(line);
    let signatures = Signatures::embedded();
    let known = [Program::Haproxy, Program::Envoy]
        .into_iter()
        .find_map(|program| signatures.classify(program, &line));
    let info = known.and_then(|found| signatures.info(found.id));
    info.map(|info| Text::from(info.meaning.as_str())).unwrap_or_default()
}

fn logs(read: &[Read]) -> Vec<TriagedLog> {
    let mut all: Vec<TriagedLog> = read
        .iter()
        .map(|log| TriagedLog {
            path: log.path.clone(),
            format: log
                .holds
                .as_ref()
                .map(|holds| Text::from(holds.words().as_str()))
                .unwrap_or_default(),
            bytes: log.scanned.bytes,
            lines: log.scanned.lines,
            failures: log.scanned.failures,
            from: log.scanned.from,
            to: log.scanned.to,
        })
        .collect();
    all.sort_by_key(|log| {
        (!log.format.raw().starts_with("requests"), std::cmp::Reverse(log.failures))
    });
    all.truncate(LOGS);
    all
}

fn notes(tally: &Tally, errors: &ErrorTally, read: &[Read]) -> Vec<Text> {
    let mut notes: Vec<String> = Vec::new();
    for log in read {
        let mut say = |words: String| notes.push(format!("{}: {words}", log.path.raw()));
        for words in &log.notes {
            say(words.clone());
        }
        for words in &log.scanned.changed {
            say(format!("lines in another format stand among the first ones ({words})"));
        }
        if log.scanned.unread > 0 {
            let n = log.scanned.unread;
            say(format!("at least {n} lines are in no known format"));
        }
        if log.scanned.backwards > 0 {
            say(format!("the time goes back, {} times at least", log.scanned.backwards));
        }
    }
    if tally.timeless > 0 {
        notes.push(format!("{} failed requests have no time and are in no minute", tally.timeless));
    }
    if tally.forgotten > 0 {
        notes.push(format!("the oldest {} minutes were more than can be kept", tally.forgotten));
    }
    if errors.ungrouped > 0 {
        notes.push(format!(
            "{} error lines say too many different things to be listed",
            errors.ungrouped
        ));
    }
    if read.len() > LOGS {
        notes.push(format!("{} more files were read and are not listed", read.len() - LOGS));
    }
    notes.iter().map(|words| Text::from(words.as_str())).collect()
}
