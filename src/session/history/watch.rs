//! When an incident begins and ends, as one session sees it.

use std::collections::VecDeque;

use crate::{
    diagnosis::{
        Bearing, Changed, Confidence, Diagnosis, Finding, FindingSubject, Status, UpstreamRow,
    },
    observation::{Moment, Text, Touched, Wall},
    remedy::{Ending, Plan},
    verification::Verdict,
};

use super::{Incident, MOST_REPAIRS, Repair, State, Ties, Trouble};

/// Requests must fail for so many seconds before it is an incident.
const STANDS_SECS: u64 = 5;
/// So many seconds without it, and it is over.
const QUIET_SECS: u64 = 30;
/// What is back within so many seconds has come back: it is the same incident.
const BACK_SECS: u64 = 600;
/// An incident that goes on is written again after so many seconds.
const AGAIN_SECS: u64 = 60;
/// Incidents that are watched at a time.
const MOST_OPEN: usize = 8;

/// An account of an incident, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which of this session's incidents it is.
    pub serial: u64,
    /// What is known of it.
    pub incident: Incident,
}

/// What came of a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What was done, in a line.
    pub action: String,
    /// The verdict, when there was one.
    pub verdict: Option<Verdict>,
    /// How it ended.
    pub ending: Ending,
    /// Number of its record in the audit.
    pub record: Option<u64>,
}

/// The incidents that a session watches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    open: Vec<Watched>,
    over: VecDeque<Watched>,
    /// What fails, and not long enough yet.
    rising: Vec<(Trouble, Moment)>,
    acting: Option<Acting>,
    serials: u64,
    /// When the newest incident ended: another one did not begin before it.
    calm: Option<Wall>,
}

#[derive(Clone, Debug, PartialEq)]
struct Watched {
    serial: u64,
    incident: Incident,
    /// Since when it is not seen.
    quiet: Option<Moment>,
    /// When it was written last; `None` when it has to be.
    kept: Option<Moment>,
    /// Other incidents of this session that turned out to be this one.
    joined: Vec<u64>,
}

/// A repair that somebody said yes to.
#[derive(Clone, Debug, PartialEq)]
struct Acting {
    serial: Option<u64>,
    began: Moment,
    judged: Option<u64>,
}

impl Watch {
    /// Incidents that go on.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.open.iter().map(|watched| &watched.incident)
    }

    /// Takes a new diagnosis in, and gives what is to be kept now.
    pub fn look(&mut self, now: Moment, diagnosis: &Diagnosis) -> Vec<Entry> {
        let troubles = troubles(diagnosis);
        let mut seen = Vec::new();
        for trouble in &troubles {
            if let Some(serial) = self.place(trouble, now, diagnosis) {
                seen.push(serial);
            }
        }
        self.rising.retain(|(known, _)| troubles.iter().any(|trouble| trouble.is_that_of(known)));
        for watched in &mut self.open {
            if !seen.contains(&watched.serial) {
                watched.rest(now, diagnosis);
            }
        }
        self.close(now, diagnosis);
        self.due(now)
    }

    /// Somebody said yes to a plan.
    pub fn begin_repair(&mut self, now: Moment, plan: &Plan, diagnosis: &Diagnosis) {
        let finding = diagnosis.findings.iter().find(|finding| is_of(plan, finding));
        let trouble = finding.map(Trouble::of);
        let own = |watched: &&Watched| match &trouble {
            Some(trouble) => watched.incident.trouble.is_that_of(trouble),
            None => watched.incident.trouble.subject.raw() == plan.whom,
        };
        let known = self.open.iter().find(own).map(|watched| watched.serial);
        let alone = match self.open.as_slice() {
            [one] => Some(one.serial),
            _ => None,
        };
        let serial = match (known, &trouble) {
            (Some(serial), _) => Some(serial),
            // Whoever acts does not wait for it to stand.
            (None, Some(trouble)) => self.begin(trouble, now, diagnosis, None),
            (None, None) => alone,
        };
        self.acting = Some(Acting { serial, began: now, judged: None });
    }

    /// There is a verdict of the repair that is under way.
    pub fn judged(&mut self, now: Moment) {
        if let Some(acting) = &mut self.acting {
            let secs = now.boot.secs_since(acting.began.boot);
            acting.judged.get_or_insert(secs);
        }
    }

    /// Whether a repair is under way.
    pub const fn is_acting(&self) -> bool {
        self.acting.is_some()
    }

    /// The repair that was under way is over; gives what is to be kept now.
    pub fn end_repair(&mut self, now: Moment, done: Done) -> Vec<Entry> {
        let Some(Acting { serial: Some(serial), began, judged }) = self.acting.take() else {
            return Vec::new();
        };
        let all = self.open.iter_mut().chain(&mut self.over);
        let mut own = all.filter(|w| w.serial == serial || w.joined.contains(&serial));
        // What was refused after the yes has changed nothing.
        let Some(watched) = own.next().filter(|_| done.ending != Ending::Refused) else {
            return self.due(now);
        };
        let repair = Repair {
            action: Text::new(done.action),
            by: Text::default(),
            at: began.wall,
            secs: judged,
            verdict: done.verdict,
            ending: done.ending,
            record: done.record,
        };
        let fixed = repair.fixed();
        watched.incident.repairs.push(repair);
        let excess = watched.incident.repairs.len().saturating_sub(MOST_REPAIRS);
        watched.incident.repairs.drain(..excess);
        watched.kept = None;
        if fixed {
            watched.quiet.get_or_insert(now);
        }
        let mut entries = self.due(now);
        entries.extend(self.over.iter_mut().filter(|w| w.kept.is_none()).map(|w| w.entry(now)));
        entries
    }

    /// The session ends; gives what is to be kept.
    pub fn leave(&mut self, now: Moment) -> Vec<Entry> {
        for watched in &mut self.open {
            let quiet = watched.quiet;
            let over = quiet.filter(|_| watched.incident.fix().is_some());
            match over {
                Some(since) => watched.end(since.wall),
                None => watched.incident.state = State::LeftOpen,
            }
            watched.kept = None;
        }
        let entries = self.due(now);
        self.open.clear();
        entries
    }

    /// Finds the incident that a trouble belongs to, or begins one once it has stood long enough.
    fn place(&mut self, trouble: &Trouble, now: Moment, diagnosis: &Diagnosis) -> Option<u64> {
        let same = |watched: &Watched| watched.incident.trouble.is_that_of(trouble);
        if let Some(at) = self.open.iter().position(same) {
            let watched = self.open.get_mut(at)?;
            watched.see(trouble, now, diagnosis);
            let serial = watched.serial;
            return Some(self.unite(serial));
        }
        let back = |watched: &Watched| {
            same(watched)
                && watched.quiet.is_some_and(|at| now.boot.secs_since(at.boot) < BACK_SECS)
        };
        if let Some(at) = self.over.iter().position(back) {
            let mut watched = self.over.remove(at)?;
            watched.incident.returns = watched.incident.returns.saturating_add(1);
            (watched.incident.state, watched.incident.ended) = (State::Open, None);
            watched.incident.changed = None;
            watched.kept = None;
            watched.see(trouble, now, diagnosis);
            let serial = watched.serial;
            self.open.push(watched);
            return Some(self.unite(serial));
        }
        let since = self.rising.iter().find(|(known, _)| trouble.is_that_of(known));
        match since.map(|(_, since)| *since) {
            Some(since) if now.boot.secs_since(since.boot) >= STANDS_SECS => {
                self.begin(trouble, now, diagnosis, Some(since))
            }
            Some(_) => None,
            None => {
                if self.rising.len() < MOST_OPEN {
                    self.rising.push((trouble.clone(), now));
                }
                None
            }
        }
    }

    fn begin(
        &mut self,
        trouble: &Trouble,
        now: Moment,
        diagnosis: &Diagnosis,
        rose: Option<Moment>,
    ) -> Option<u64> {
        if self.open.len() >= MOST_OPEN {
            return None;
        }
        let seen = rose.map_or(now.wall, |rose| rose.wall);
        let finding = diagnosis.findings.iter().find(|f| Trouble::of(f) == *trouble);
        let run = diagnosis.incident.first.filter(|_| diagnosis.incident.present);
        let first = run.or(finding.and_then(|f| f.since)).unwrap_or(seen).min(now.wall);
        // The run of failures before belongs to the incident before.
        let first = self.calm.filter(|calm| *calm > first).map_or(first, |_| seen);
        self.serials = self.serials.saturating_add(1);
        let incident = Incident {
            id: 0,
            trouble: trouble.clone(),
            first,
            last: first,
            ended: None,
            state: State::Open,
            failures: 0,
            returns: 0,
            repairs: Vec::new(),
            changed: None,
            recording: None,
            updated: now.wall,
        };
        let serial = self.serials;
        let mut watched = Watched { serial, incident, quiet: None, kept: None, joined: Vec::new() };
        watched.see(trouble, now, diagnosis);
        self.rising.retain(|(known, _)| !known.is_that_of(trouble));
        self.open.push(watched);
        Some(serial)
    }

    /// Joins open incidents that have turned out to be one; the eldest stays.
    fn unite(&mut self, mut serial: u64) -> u64 {
        loop {
            let own = self.open.iter().find(|watched| watched.serial == serial).cloned();
            let Some(own) = own else { return serial };
            let other = |other: &Watched| {
                other.serial != serial && other.incident.trouble.is_that_of(&own.incident.trouble)
            };
            let Some(at) = self.open.iter().position(other) else { return serial };
            let other = self.open.remove(at);
            self.open.retain(|watched| watched.serial != serial);
            let joined = own.join(other);
            serial = joined.serial;
            self.open.push(joined);
        }
    }

    fn close(&mut self, now: Moment, diagnosis: &Diagnosis) {
        for at in (0..self.open.len()).rev() {
            let since = self.open.get(at).and_then(|watched| watched.quiet);
            let busy = self.acting.as_ref().and_then(|acting| acting.serial);
            let busy = self.open.get(at).is_some_and(|watched| Some(watched.serial) == busy);
            let Some(since) =
                since.filter(|since| !busy && now.boot.secs_since(since.boot) >= QUIET_SECS)
            else {
                continue;
            };
            let mut watched = self.open.remove(at);
            watched.end(since.wall);
            if watched.incident.fix().is_none() {
                watched.incident.changed = ended_by(&watched.incident, diagnosis);
            }
            self.calm = self.calm.max(Some(since.wall));
            if self.over.len() >= MOST_OPEN {
                self.over.pop_front();
            }
            self.over.push_back(watched);
        }
    }

    /// What has to be written now.
    fn due(&mut self, now: Moment) -> Vec<Entry> {
        let all = self.open.iter_mut().chain(&mut self.over);
        all.filter(|watched| watched.is_due(now)).map(|watched| watched.entry(now)).collect()
    }
}

impl Watched {
    /// It is seen.
    fn see(&mut self, trouble: &Trouble, now: Moment, diagnosis: &Diagnosis) {
        let incident = &mut self.incident;
        let before = (incident.trouble.cause.clone(), incident.trouble.subject.clone());
        incident.sharpen(trouble);
        if before != (incident.trouble.cause.clone(), incident.trouble.subject.clone()) {
            self.kept = None;
        }
        let run = &diagnosis.incident;
        // Without a request that fails, it fails as long as it is seen to.
        let last = run.last.filter(|last| run.present && *last >= incident.first);
        incident.last = incident.last.max(last.unwrap_or(now.wall).min(now.wall));
        if run.present && run.first.is_some_and(|first| first <= incident.end()) {
            incident.failures = incident.failures.max(run.failures);
        }
        self.quiet = None;
    }

    /// It is not among what fails now.
    fn rest(&mut self, now: Moment, diagnosis: &Diagnosis) {
        let likely = |f: &&Finding| f.confidence >= Confidence::Likely;
        let mut held = diagnosis.findings.iter().filter(likely).map(Trouble::of);
        let holds = |trouble: Trouble| {
            let own = &self.incident.trouble;
            trouble.cause == own.cause && trouble.subject == own.subject
        };
        match diagnosis.status {
            // It cannot be told whether it is over.
            Status::Unknown => self.quiet = None,
            Status::Failing if diagnosis.findings.is_empty() => {
                self.incident.last = self.incident.last.max(now.wall);
                self.quiet = None;
            }
            _ if held.any(holds) && self.incident.fix().is_none() => self.quiet = None,
            _ => drop(self.quiet.get_or_insert(now)),
        }
    }

    fn end(&mut self, at: Wall) {
        self.incident.state = State::Closed;
        self.incident.ended = Some(at.max(self.incident.first));
        self.incident.last = self.incident.last.min(at.max(self.incident.first));
        self.kept = None;
    }

    /// Takes in another one, which turned out to be this one; the lower number stays.
    fn join(mut self, other: Self) -> Self {
        self.incident.absorb(&other.incident);
        self.joined.push(self.serial.max(other.serial));
        self.joined.extend(other.joined);
        self.serial = self.serial.min(other.serial);
        self.quiet = None;
        self.kept = None;
        self
    }

    fn is_due(&self, now: Moment) -> bool {
        let open = self.incident.state == State::Open;
        self.kept.is_none_or(|kept| open && now.boot.secs_since(kept.boot) >= AGAIN_SECS)
    }

    fn entry(&mut self, now: Moment) -> Entry {
        self.kept = Some(now);
        self.incident.updated = self.incident.updated.max(now.wall);
        Entry { serial: self.serial, incident: self.incident.clone() }
    }
}

/// Whether a plan is to cure a finding.
fn is_of(plan: &Plan, finding: &Finding) -> bool {
    finding.cause == plan.cause && finding.subject.whom() == plan.whom
}

/// The last change of what an incident touches before it was over: perhaps what ended it.
fn ended_by(incident: &Incident, diagnosis: &Diagnosis) -> Option<Text> {
    /// Stamps of logs are whole seconds, and a diagnosis comes a little later.
    const SLACK_SECS: i64 = 2;
    /// What came longer before the end did not bring it.
    const NEAR_SECS: i64 = 120;
    let end = incident.ended?.plus_secs(SLACK_SECS);
    let from = end.minus_secs(NEAR_SECS).max(incident.first.plus_secs(1));
    let during = |changed: &&Changed| (from..=end).contains(&changed.change.at);
    let own = |changed: &&Changed| {
        let subject = FindingSubject::default();
        let all = changed.change.touches.iter().map(|touched| match touched {
            Touched::Unit(unit) => FindingSubject { unit: Some(unit.clone()), ..subject.clone() },
            Touched::Gateway(id) => FindingSubject { gateway: Some(id.clone()), ..subject.clone() },
            Touched::Host | Touched::Container(_) | Touched::Path(_) => subject.clone(),
        });
        let ties = &incident.trouble.ties;
        all.into_iter().any(|subject| ties.overlaps(&Ties::of(&subject)))
            || changed.bearing == Bearing::Subject
    };
    let last = diagnosis.changes.iter().filter(during).filter(own);
    last.max_by_key(|changed| changed.change.at).map(|changed| Text::new(changed.words()))
}

/// What makes requests fail now, one for each trouble: the first cause, and others that are proven,
/// that it does not explain and whose own upstreams fail.
fn troubles(diagnosis: &Diagnosis) -> Vec<Trouble> {
    if diagnosis.status != Status::Failing {
        return Vec::new();
    }
    let mut all: Vec<Trouble> = Vec::new();
    let mut explained: Vec<&str> = Vec::new();
    for finding in &diagnosis.findings {
        let fails = |row: &&UpstreamRow| {
            (row.state == "down" || row.errors > 0) && finding.subject.upstreams.contains(&row.id)
        };
        let counts = all.is_empty()
            || finding.confidence == Confidence::Confirmed
                && !explained.contains(&finding.cause)
                && diagnosis.upstreams.iter().any(|row| fails(&row));
        let trouble = Trouble::of(finding);
        if counts && all.len() < MOST_OPEN && !all.iter().any(|known| known.is_that_of(&trouble)) {
            explained.extend(&finding.explains);
            all.push(trouble);
        }
    }
    all
}
