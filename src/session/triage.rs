//! What the logs that were there already say, in words.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::observation::{Ranking, Triage, Wall};

use super::{
    Shown,
    figures::{count, day_clock, percent},
};

/// The answer in one sentence: since when, how many, where, what is usual. `None` when the logs
/// hold no request and no failure.
pub fn sentence(triage: &Triage, now: Wall, zone: &TimeZone) -> Option<String> {
    let failures = if triage.requests > 0 { triage.failures } else { triage.error_failures };
    let what = if triage.requests > 0 { "requests" } else { "tries" };
    let Some(episode) = &triage.episode else {
        if failures == 0 {
            return (triage.requests > 0)
                .then(|| format!("none of {} requests failed", count(triage.requests)));
        }
        return Some(format!("{} {what} failed, no more than is usual", count(failures)));
    };
    let first = day_clock(episode.first, zone, now);
    let when = if episode.goes_on {
        format!("since {first}")
    } else {
        format!("from {first} to {}", day_clock(episode.last, zone, now))
    };
    let mut said = format!("{when}, {} {what} failed", count(episode.failures));
    if let Some((name, share)) = mostly(&triage.upstreams) {
        let _ = write!(said, ", {share} on {name}");
    }
    if let Some(usual) = triage.usual {
        let _ = write!(said, ", usually {} a minute", count(usual.into()));
    }
    Some(said)
}

/// When requests began to fail and how many have since, where the logs that were there already know
/// more of the present incident than what was seen since.
pub fn began(shown: &Shown<'_>) -> Option<(Wall, u64)> {
    let episode = shown.case.triage.as_ref()?.episode.as_ref().filter(|one| one.goes_on)?;
    let incident = &shown.diagnosis.incident;
    let first = incident.first.filter(|_| incident.present)?;
    (episode.first < first).then_some((episode.first, episode.failures))
}

/// The value that most of an episode's failures have, and their share of those that have one.
pub fn mostly(ranking: &Ranking) -> Option<(String, String)> {
    let top = ranking.top.first().filter(|top| top.in_episode > 0)?;
    let all = ranking.top.iter().map(|one| one.in_episode).sum::<u64>();
    (top.in_episode * 2 > all).then(|| (top.name.to_string(), percent(top.in_episode, all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Episode, Ranked};

    #[test]
    fn the_answer_is_one_sentence() {
        let now = Wall::from_secs(1_795_198_662);
        let ranked = |name: &str, in_episode| Ranked {
            name: name.into(),
            failures: in_episode,
            in_episode,
            ..Ranked::default()
        };
        let mut triage = Triage {
            requests: 5_000,
            failures: 214,
            usual: Some(0),
            episode: Some(Episode {
                first: now.minus_secs(600),
                last: now,
                failures: 214,
                goes_on: true,
                ..Episode::default()
            }),
            upstreams: Ranking {
                top: vec![ranked("unix:/run/php/a.sock", 207), ranked("10.0.0.1:80", 7)],
                ..Ranking::default()
            },
            ..Triage::default()
        };
        assert_eq!(
            sentence(&triage, now, &TimeZone::UTC).as_deref(),
            Some(
                "since 18:07:42, 214 requests failed, 96 % on unix:/run/php/a.sock, usually 0 a minute"
            )
        );
        triage.episode = None;
        let said = sentence(&triage, now, &TimeZone::UTC).unwrap();
        assert_eq!(said, "214 requests failed, no more than is usual");
        assert_eq!(sentence(&Triage::default(), now, &TimeZone::UTC), None);
    }
}
