//! From a case to the document.

use jiff::tz::TimeZone;

use crate::{
    diagnosis::{Bearing, Changed, Diagnosis, Finding, Scene, Status},
    evidence::{CaseFile, Signatures},
    observation::{SourceId, Wall},
    remedy::prevention::precautions,
    session::{
        AuditLine,
        figures::{count, localised},
        history::Incident,
        impact::{self, Impact, Measured, Reach},
    },
};

use super::{
    cause, chart,
    document::{self, PostMortem, SCHEMA},
    evidence, prevented, shown, story,
    times::Times,
};

/// Changes told.
const CHANGES: usize = 12;
/// What no upstream leads to is told when it happened so shortly before, in seconds.
const NEAR_SECS: i64 = 3_600;
/// A pause of more seconds lies between two incidents.
const PAUSE_SECS: i64 = 600;
/// Deeds of so many seconds before the first failure and after the last one belong to it.
const AROUND_SECS: i64 = 3_600;
/// Without a failure, deeds of so many seconds are told.
const DAY_SECS: i64 = 86_400;
/// Requests that fail so many seconds after a repair failed in spite of it.
const SETTLED_SECS: i64 = 60;
/// Deeds told.
const DEEDS: usize = 40;

/// What a post-mortem is written from.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The evidence.
    pub case: &'a CaseFile,
    /// What it amounts to at its end.
    pub diagnosis: &'a Diagnosis,
    /// What it amounted to while requests failed, where that is known.
    pub height: Option<&'a Diagnosis>,
    /// What was done with this program, oldest first.
    pub deeds: &'a [AuditLine],
    /// Why it is not known what was done, in a sentence fragment.
    pub deeds_unread: Option<&'a str>,
    /// Name of the host.
    pub host: &'a str,
    /// Zone in which times are told.
    pub zone: &'a TimeZone,
    /// What the evidence is: `this host`, `the recording NAME`.
    pub source: &'a str,
    /// Which time is meant.
    pub reach: Reach,
    /// When a person first looked with this program; `None` where that is not known.
    pub looked: Option<Wall>,
    /// What the recording lost, in sentence fragments.
    pub lost: &'a [String],
    /// The incident as the history of this host has it, where it was asked for by its number.
    pub remembered: Option<&'a Incident>,
}

impl<'a> Subject<'a> {
    /// The diagnosis by which the incident is told.
    pub(super) fn told(&self) -> &'a Diagnosis {
        self.height.filter(|height| !height.findings.is_empty()).unwrap_or(self.diagnosis)
    }
}

/// Everything that the parts of the document are made from.
pub(super) struct Parts<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) impact: &'a Impact,
    pub(super) times: Times<'a>,
    /// What was done in the time of the incident, oldest first.
    pub(super) deeds: Vec<&'a AuditLine>,
}

impl<'a> Parts<'a> {
    /// Whether the diagnosis speaks of the time that is told: one that was asked for may be past, and
    /// what is found now is not its cause.
    pub(super) fn is_diagnosed(&self) -> bool {
        if self.subject.reach == Reach::default() {
            return true;
        }
        let incident = &self.subject.told().incident;
        let Some(((first, last), (from, to))) =
            self.impact.span.zip(incident.first.zip(incident.last))
        else {
            return false;
        };
        from <= last.plus_secs(PAUSE_SECS) && first <= to.plus_secs(PAUSE_SECS)
    }

    /// The cause by which it is told.
    pub(super) fn finding(&self) -> Option<&'a Finding> {
        let told = self.subject.told();
        let first = told.findings.first().or_else(|| told.recovered.first());
        first.filter(|_| self.is_diagnosed())
    }

    /// A text of the diagnosis, with its times in the reader's zone.
    pub(super) fn local(&self, text: &str) -> String {
        shown(localised(text, self.times.zone, self.times.anchor))
    }

    /// The repair after which requests were seen to succeed, and went on to.
    pub(super) fn repair(&self) -> Option<&AuditLine> {
        use crate::{remedy::Ending, verification::Verdict};
        let last = self.impact.span.map(|(_, last)| last);
        self.deeds.iter().rev().copied().find(|deed| {
            let detail = &deed.detail;
            let over = detail.ended.unwrap_or(deed.at).plus_secs(SETTLED_SECS);
            let proven = detail.verdict == Some(Verdict::Fixed)
                || (detail.verdict.is_none() && detail.ending == Some(Ending::Verified));
            proven && last.is_none_or(|last| last <= over)
        })
    }

    /// A change beside the first failure that is known, which may be older than the one that the
    /// diagnosis knew.
    pub(super) fn beside(&self, changed: &Changed) -> Changed {
        let mut beside = changed.clone();
        if let Some((first, _)) = self.impact.span {
            let secs = first.since(changed.change.at).as_secs();
            (beside.secs_before, beside.of_request) = (Some(secs), true);
        }
        beside
    }
}

/// Writes the document.
pub fn assemble(subject: &Subject<'_>) -> PostMortem {
    let impact = impact::measure(subject.case, subject.diagnosis, subject.reach);
    let now = subject.diagnosis.as_of;
    let anchor = impact.span.map_or(now, |(first, _)| first);
    let times = Times { zone: subject.zone, anchor };
    let deeds = deeds(subject, &impact);
    let parts = Parts { subject, impact: &impact, times, deeds };
    let cause = cause::cause(&parts);
    let state = if impact.goes_on
        || (impact.span.is_none() && subject.diagnosis.status == Status::Failing)
    {
        "failing"
    } else if impact.span.is_some() {
        "over"
    } else {
        "quiet"
    };
    let (changes, changes_note) = changes(&parts);
    PostMortem {
        schema: SCHEMA,
        host: shown(subject.host),
        written_from: format!("{}, as of {}", shown(subject.source), parts.times.full(now)),
        zone: parts.times.offset(),
        title: story::title(&parts, cause.as_ref()),
        state,
        headline: story::headline(&parts, cause.as_ref()),
        figures: story::figures(&parts),
        impact: told(&impact),
        timeline: chart::timeline(&parts),
        cause_note: cause::note(&parts),
        others: cause::others(&parts),
        deeds: parts.deeds.iter().map(|deed| story::deed(&parts, deed)).collect(),
        deeds_note: deeds_note(&parts),
        changes,
        changes_note,
        prevention: prevention(&parts),
        unseen: evidence::unseen(subject),
        lost: evidence::lost(subject),
        lines: evidence::lines(&parts),
        sources: evidence::sources(&parts),
        cause,
    }
}

fn deeds<'a>(subject: &'a Subject<'a>, impact: &Impact) -> Vec<&'a AuditLine> {
    let now = subject.diagnosis.as_of;
    let (from, to) = match impact.span {
        Some((first, _)) if impact.goes_on => (first.minus_secs(AROUND_SECS), now.plus_secs(60)),
        Some((first, last)) => (first.minus_secs(AROUND_SECS), last.plus_secs(AROUND_SECS)),
        None => (now.minus_secs(DAY_SECS), now.plus_secs(60)),
    };
    let mut deeds: Vec<&AuditLine> =
        subject.deeds.iter().filter(|deed| from <= deed.at && deed.at <= to).collect();
    deeds.sort_by_key(|deed| (deed.at, deed.sequence));
    let more = deeds.len().saturating_sub(DEEDS);
    deeds.drain(..more);
    deeds
}

fn deeds_note(parts: &Parts<'_>) -> String {
    if let Some(why) = parts.subject.deeds_unread {
        return shown(format!("What was done with this program is not known: {why}."));
    }
    let broken = parts.deeds.iter().any(|deed| !deed.intact);
    if broken {
        return "The chain of these records is broken: see gatemedic audit.".to_owned();
    }
    if parts.deeds.is_empty() {
        return "Nothing was done with this program. What people did by other means stands in the \
                timeline where a log tells of it."
            .to_owned();
    }
    String::new()
}

fn told(impact: &Impact) -> document::Impact {
    let counted = match &impact.measured {
        Measured::Requests => "Counted from access logs.".to_owned(),
        Measured::Lines(why) => {
            format!("Counted from error lines, each a failed try of a request: {why}.")
        }
        Measured::Nothing(why) => format!("Not measured: {why}."),
    };
    let shares = |list: &[impact::Share]| {
        let all = list.iter().map(|one| one.failures).fold(0, u64::saturating_add);
        list.iter().map(|one| share(shown(one.name.raw()), one.failures, all)).collect()
    };
    let all = impact.by_status.values().copied().fold(0, u64::saturating_add);
    let mut statuses: Vec<document::Share> = impact
        .by_status
        .iter()
        .map(|(status, n)| {
            let name = if *status == 0 { "not told".to_owned() } else { status.to_string() };
            share(name, *n, all)
        })
        .collect();
    statuses.sort_by_key(|one| std::cmp::Reverse(one.failures));
    document::Impact {
        counted: shown(counted),
        statuses,
        upstreams: shares(&impact.upstreams),
        urls: shares(&impact.urls),
        hosts: shares(&impact.hosts),
    }
}

fn share(name: String, failures: u64, all: u64) -> document::Share {
    let percent = u128::from(failures) * 100 / u128::from(all.max(1));
    document::Share { name, failures, percent: u64::try_from(percent).unwrap_or(100) }
}

fn changes(parts: &Parts<'_>) -> (Vec<document::Change>, String) {
    let told = parts.subject.told();
    let tells = |changed: &&Changed| {
        let near = changed.secs_before.is_some_and(|secs| secs <= NEAR_SECS);
        changed.is_before() && (changed.bearing != Bearing::Elsewhere || near)
    };
    let all: Vec<Changed> =
        told.changes.iter().map(|one| parts.beside(one)).filter(|one| tells(&one)).collect();
    let list: Vec<document::Change> = all
        .iter()
        .take(CHANGES)
        .map(|changed| document::Change {
            at: parts.times.short(changed.change.at),
            distance: changed.distance().map(shown).unwrap_or_default(),
            what: parts.local(&changed.words()),
            source: shown(changed.change.origin.to_string()),
            near: changed.bearing <= Bearing::Chain,
        })
        .collect();
    let more = all.len().saturating_sub(CHANGES);
    let blind = parts.subject.case.is_blind(SourceId::Changes);
    let note = match (list.is_empty(), more, blind) {
        (true, _, true) => "No change was seen, and not all places could be looked at.".to_owned(),
        (true, _, false) => "No change was seen before the first failure.".to_owned(),
        (false, 0, true) => "Not all places could be looked at.".to_owned(),
        (false, 0, false) => String::new(),
        (false, more, _) => format!("And {} more.", count(more as u64)),
    };
    (list, note)
}

fn prevention(parts: &Parts<'_>) -> Vec<document::Precaution> {
    let subject = parts.subject;
    let scene = Scene::new(subject.case, Signatures::embedded());
    let list = precautions(&scene, subject.diagnosis, parts.finding(), subject.looked);
    prevented::together(list.into_iter().map(|one| prevented::row(parts, &one)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, access_log, ago, unit},
        observation::{Seen, Triage, TriageMinute},
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn what_fails_now_is_not_told_as_the_cause_of_yesterday() {
        let minute = TriageMinute {
            minute: ago(86_400).0.div_euclid(60_000_000),
            requests: 90,
            by_status: [(502, 40)].into(),
        };
        let triage =
            Triage { requests: 90, failures: 40, minutes: vec![minute], ..Triage::default() };
        let host = Host::passing_to(AT)
            .config(|c| c.logs.push(access_log()))
            .unit(unit("shop.service").claims(AT).killed(9, 60))
            .answered(5, 502, None)
            .sees(SourceId::Triage, Seen::Triage(Box::new(triage)));
        let (case, diagnosis) = (host.case(), host.diagnose());
        let asked = |reach, remembered| {
            assemble(&Subject {
                case: &case,
                diagnosis: &diagnosis,
                height: None,
                deeds: &[],
                deeds_unread: None,
                host: "web1",
                zone: &TimeZone::UTC,
                source: "this host",
                reach,
                looked: None,
                lost: &[],
                remembered,
            })
        };
        let told = |reach| asked(reach, None);
        let now = told(Reach::default());
        assert_eq!(now.cause.unwrap().id, "app-killed-not-restarted");
        let (since, until) = (Some(ago(90_000)), Some(ago(80_000)));
        let past = told(Reach { since, until });
        assert_eq!(past.figures[0].value, "40");
        assert_eq!((past.cause, past.others.len()), (None, 0));
        assert!(past.cause_note.contains("another time"));
        assert!(past.prevention.iter().all(|row| !row.this_time));
        let incident = Incident {
            id: 3,
            trouble: crate::session::history::Trouble {
                cause: "app-frozen".into(),
                ..crate::session::history::Trouble::of(&diagnosis.findings[0])
            },
            first: ago(86_400),
            last: ago(86_300),
            ended: None,
            state: crate::session::history::State::Closed,
            failures: 40,
            returns: 0,
            repairs: Vec::new(),
            changed: None,
            recording: None,
            updated: ago(86_300),
        };
        let known = asked(Reach { since, until }, Some(&incident)).cause.unwrap();
        assert_eq!(known.id, "app-frozen");
        assert!(known.note.contains("the history"));
    }
}
