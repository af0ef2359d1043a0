//! The impact of one incident.

use std::collections::BTreeMap;

use crate::{
    diagnosis::Diagnosis,
    evidence::CaseFile,
    observation::{AccessEntry, Episode, LogKind, SourceId, Text, Wall},
};

use super::{
    minutes::{Minute, Minutes, of_lines, of_requests},
    share::{Share, most},
};

/// A pause of more seconds lies between two incidents.
const PAUSE_SECS: i64 = 600;

/// What the figures were counted from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measured {
    /// Requests of access logs.
    Requests,
    /// Error lines, each for a failed try of a request; why not requests, in a sentence fragment.
    Lines(String),
    /// Nothing, and why, in a sentence fragment.
    Nothing(String),
}

/// Which time is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// From here on; without one, from where the incident began.
    pub since: Option<Wall>,
    /// Up to here; without one, up to where it ended.
    pub until: Option<Wall>,
}

/// What an incident cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// The first and the last failed request; `None` when none is known.
    pub span: Option<(Wall, Wall)>,
    /// Whether requests still fail.
    pub goes_on: bool,
    /// What it was counted from.
    pub measured: Measured,
    /// Every minute that is known, of the whole case: minutes since the epoch.
    pub minutes: BTreeMap<i64, Minute>,
    /// Failures in the span.
    pub failures: u64,
    /// Requests in the minutes of the span in which some failed; `None` where they are not known.
    pub requests: Option<u64>,
    /// Failures in the span by status; 0 where it is not told.
    pub by_status: BTreeMap<u16, u64>,
    /// The minute with the most failures, and how many.
    pub worst: Option<(i64, u64)>,
    /// Failures in a usual minute before it.
    pub usual: Option<u32>,
    /// Where they came from.
    pub upstreams: Vec<Share>,
    /// What was asked for.
    pub urls: Vec<Share>,
    /// Which virtual hosts were asked.
    pub hosts: Vec<Share>,
}

/// Measures the incident of a case.
pub fn measure(case: &CaseFile, diagnosis: &Diagnosis, reach: Reach) -> Impact {
    let requests = of_requests(case);
    let lines = of_lines(case);
    let any = |minutes: &Minutes| minutes.values().any(|minute| minute.failures() > 0);
    let (minutes, measured) = if any(&requests) || (!requests.is_empty() && !any(&lines)) {
        (requests, Measured::Requests)
    } else if any(&lines) {
        (lines, Measured::Lines(why_no_requests(case)))
    } else {
        (requests, Measured::Nothing(why_nothing(case)))
    };
    let episode = case.triage.as_ref().and_then(|triage| triage.episode.as_ref());
    let span = span(case, diagnosis, episode, &minutes, reach);
    let (mut failures, mut known, mut whole) = (0_u64, 0_u64, true);
    let mut by_status: BTreeMap<u16, u64> = BTreeMap::new();
    let mut worst: Option<(i64, u64)> = None;
    if let Some((first, last)) = span {
        for (at, minute) in minutes.range(minute_of(first)..=minute_of(last)) {
            let failed = minute.failures();
            if failed == 0 {
                continue;
            }
            failures = failures.saturating_add(failed);
            whole &= minute.requests.is_some();
            known = known.saturating_add(minute.requests.unwrap_or(0));
            for (status, n) in &minute.by_status {
                let sum = by_status.entry(*status).or_default();
                *sum = sum.saturating_add(*n);
            }
            if worst.is_none_or(|(_, most)| failed > most) {
                worst = Some((*at, failed));
            }
        }
    }
    if failures == 0 && span.is_some() {
        failures = diagnosis.incident.failures;
    }
    let own = episode.filter(|one| {
        span.is_some_and(|(first, last)| one.first <= last && first <= one.last)
            && reach == Reach::default()
    });
    let triage = case.triage.as_ref().filter(|_| own.is_some());
    let most = |ranking: Option<&_>, of: fn(&AccessEntry) -> Option<&Text>| {
        span.map(|span| most(case, span, ranking, of)).unwrap_or_default()
    };
    Impact {
        span,
        goes_on: reach.until.is_none() && goes_on(diagnosis, episode),
        failures,
        requests: (whole && known > 0).then_some(known),
        by_status,
        worst,
        usual: case.triage.as_ref().and_then(|triage| triage.usual),
        upstreams: most(triage.map(|t| &t.upstreams), |entry| entry.upstream_addr.as_ref()),
        urls: most(triage.map(|t| &t.urls), |entry| Some(&entry.request)),
        hosts: most(triage.map(|t| &t.hosts), |entry| entry.host.as_ref()),
        measured,
        minutes,
    }
}

fn goes_on(diagnosis: &Diagnosis, episode: Option<&Episode>) -> bool {
    match diagnosis.incident.first {
        Some(_) => diagnosis.incident.present,
        None => episode.is_some_and(|episode| episode.goes_on),
    }
}

const fn minute_of(at: Wall) -> i64 {
    at.0.div_euclid(60_000_000)
}

/// From the first to the last failed request of the incident that is meant.
fn span(
    case: &CaseFile,
    diagnosis: &Diagnosis,
    episode: Option<&Episode>,
    minutes: &Minutes,
    reach: Reach,
) -> Option<(Wall, Wall)> {
    if reach != Reach::default() {
        return within(case, minutes, reach);
    }
    let seen = diagnosis.incident.first.zip(diagnosis.incident.last);
    let told = episode.map(|episode| (episode.first, episode.last));
    match (seen, told) {
        (Some(seen), Some(told)) => {
            let near = told.1.plus_secs(PAUSE_SECS) >= seen.0 && told.0 <= seen.1;
            Some(if near { (seen.0.min(told.0), seen.1.max(told.1)) } else { seen })
        }
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}

/// The first and the last failure between two times: to the second where the requests themselves are
/// remembered, else to the minute.
fn within(case: &CaseFile, minutes: &Minutes, reach: Reach) -> Option<(Wall, Wall)> {
    let since = reach.since.unwrap_or(Wall(i64::MIN));
    let until = reach.until.unwrap_or(Wall(i64::MAX));
    let start = |minute: i64| Wall::from_secs(minute.saturating_mul(60));
    let failed: Vec<i64> = minutes
        .iter()
        .filter(|(_, minute)| minute.failures() > 0)
        .map(|(at, _)| *at)
        .filter(|at| start(*at).plus_secs(59) >= since && start(*at) <= until)
        .collect();
    let (first, last) = (*failed.first()?, *failed.last()?);
    let entries = case.access.entries.iter().filter(|entry| entry.status >= 500);
    let times = entries.map(|entry| entry.at).filter(|at| since <= *at && *at <= until);
    let in_minute = |minute: i64| times.clone().filter(move |at| minute_of(*at) == minute);
    let from = in_minute(first).min().unwrap_or_else(|| start(first).max(since));
    let to = in_minute(last).max().unwrap_or_else(|| start(last).plus_secs(59).min(until));
    Some((from, to.max(from)))
}

fn why_no_requests(case: &CaseFile) -> String {
    let mut logs = case.configs.values().flat_map(|config| &config.logs);
    if logs.any(|log| matches!(log.kind, LogKind::Access(_))) {
        "no access log that could be read tells of failed requests".to_owned()
    } else {
        "no gateway here is configured to write an access log".to_owned()
    }
}

fn why_nothing(case: &CaseFile) -> String {
    let blind = case.blind.values().find(|spot| spot.source == SourceId::Logs);
    match blind {
        Some(spot) => format!("{} is out of sight: {}", spot.what, spot.why),
        None if case.gateways.is_empty() && case.configs.is_empty() => {
            "no gateway was found".to_owned()
        }
        None => "no log that could be read tells of any request".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, NOW, ago},
        observation::{Ranked, Ranking, Seen, Triage, TriageMinute},
    };

    const AT: &str = "127.0.0.1:8000";

    fn measured(host: &Host) -> Impact {
        measure(&host.case(), &host.diagnose(), Reach::default())
    }

    fn told(minutes: &[(i64, u64, u32)], episode: (i64, i64)) -> Seen {
        let minute = |(ago, requests, n): &(i64, u64, u32)| TriageMinute {
            minute: (NOW - ago).div_euclid(60),
            requests: *requests,
            by_status: BTreeMap::from([(502, *n)]),
        };
        Seen::Triage(Box::new(Triage {
            requests: 1_000,
            failures: 90,
            minutes: minutes.iter().map(minute).collect(),
            episode: Some(Episode {
                first: ago(episode.0),
                last: ago(episode.1),
                failures: 90,
                goes_on: true,
                ..Episode::default()
            }),
            urls: Ranking {
                top: vec![Ranked { name: "GET /cart".into(), in_episode: 80, ..Ranked::default() }],
                ..Ranking::default()
            },
            ..Triage::default()
        }))
    }

    #[test]
    fn a_minute_that_two_readings_know_counts_once() {
        let host = Host::passing_to(AT)
            .answered(30, 502, None)
            .traffic(30, 502, 39)
            .traffic(30, 200, 60)
            .sees(SourceId::Triage, told(&[(30, 100, 38), (600, 100, 50)], (620, 30)));
        let impact = measured(&host);
        assert_eq!((impact.failures, impact.requests), (90, Some(200)));
        assert_eq!(impact.span, Some((ago(620), ago(30))));
        assert_eq!(impact.worst, Some(((NOW - 600).div_euclid(60), 50)));
        assert_eq!(impact.urls[0].failures, 80);
        assert!(impact.goes_on);
    }

    #[test]
    fn without_access_logs_error_lines_are_counted_and_it_says_why() {
        let impact = measured(&Host::passing_to(AT).refused(70, AT).refused(5, AT));
        assert_eq!(
            impact.measured,
            Measured::Lines("no gateway here is configured to write an access log".into())
        );
        assert_eq!((impact.failures, impact.requests), (2, None));
        assert_eq!(impact.by_status, BTreeMap::from([(0, 2)]));
    }

    #[test]
    fn what_was_not_measured_says_why() {
        let blind = measured(&Host::passing_to(AT).blind(SourceId::Logs));
        assert!(matches!(blind.measured, Measured::Nothing(why) if why.contains("out of sight")));
        let quiet = measured(&Host::passing_to(AT));
        assert_eq!((quiet.span, quiet.failures), (None, 0));
    }

    #[test]
    fn a_time_that_was_asked_for_takes_the_failures_in_it_and_no_others() {
        let host = Host::passing_to(AT)
            .sees(SourceId::Triage, told(&[(30, 100, 38), (7_200, 100, 50)], (620, 30)));
        let reach = Reach { since: Some(ago(8_000)), until: Some(ago(6_000)) };
        let impact = measure(&host.case(), &host.diagnose(), reach);
        assert_eq!((impact.failures, impact.goes_on), (50, false));
        let (first, last) = impact.span.unwrap();
        assert!(ago(8_000) <= first && last <= ago(6_000));
        let nothing = Reach { since: Some(ago(20)), until: None };
        let later = measure(&host.case(), &host.diagnose(), nothing);
        assert!(later.failures <= 38);
    }
}
