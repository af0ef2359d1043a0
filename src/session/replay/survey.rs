//! The reading ahead: what happened when, before anybody goes there.

use crate::{
    diagnosis::{Diagnosis, FindingSubject, Status, diagnose},
    evidence::{CaseFile, Signatures, admit, is_routine, labels::read_labels},
    observation::{Address, GatewayId, Wall},
    remedy::Progress,
    session::recording::{Deed, Entry, Header},
    verification::Verdict,
};

use super::{
    Change, Sample, Tape,
    acts::Done,
    index::{Elapsed, Index},
    kept::{Kept, State},
    tape::{Cursor, MOST_ENTRIES},
};

/// Shortest time of the recording between two diagnoses where something new is seen, in
/// microseconds; twice as long whenever there are too many.
const EVERY: Elapsed = 250_000;
/// And so many times as long where nothing is.
const CALM: Elapsed = 40;
/// Diagnoses that are remembered.
const SAMPLES: usize = 2_048;
/// Changes of the diagnosis, and deeds, that are remembered.
const CHANGES: usize = 4_096;
const DEEDS: usize = 20_000;
/// Places of damage that are remembered.
const PLACES: usize = 32;

/// What a reader ahead has found so far.
#[derive(Clone, Debug)]
pub(super) struct Survey {
    pub(super) index: Index,
    pub(super) kept: Kept,
    pub(super) samples: Vec<Sample>,
    pub(super) changes: Vec<Change>,
    pub(super) more_changes: u64,
    pub(super) deeds: Vec<Done>,
    pub(super) first_failure: Option<Elapsed>,
    pub(super) header: Option<Header>,
    /// Where the first damage stands that was met, by the clock of the recording.
    pub(super) places: Vec<Wall>,
    pub(super) cursor: Cursor,
    /// Whether there was more than is read.
    pub(super) cut: bool,
    case: CaseFile,
    /// Whether something new was seen since the last diagnosis.
    news: bool,
    sampled: Option<Elapsed>,
    every: Elapsed,
    head: Option<Head>,
}

/// What makes one diagnosis another.
#[derive(Clone, Debug, PartialEq)]
struct Head {
    status: Status,
    findings: Vec<(&'static str, &'static str, FindingSubject)>,
}

impl Default for Survey {
    fn default() -> Self {
        Self {
            index: Index::default(),
            kept: Kept::default(),
            samples: Vec::new(),
            changes: Vec::new(),
            more_changes: 0,
            deeds: Vec::new(),
            first_failure: None,
            header: None,
            places: Vec::new(),
            cursor: Cursor::default(),
            cut: false,
            case: CaseFile::new(),
            news: false,
            sampled: None,
            every: EVERY,
            head: None,
        }
    }
}

impl Survey {
    /// Reads one entry. False when there is none.
    pub(super) fn step(&mut self, tape: &Tape, signatures: &Signatures) -> bool {
        if self.index.len() >= MOST_ENTRIES {
            self.cut = true;
            return false;
        }
        let Some(entry) = tape.next(&mut self.cursor) else {
            self.settle(signatures);
            return false;
        };
        let news = self.is_news(&entry);
        let before = self.index.end();
        self.note(&entry, news);
        if self.index.end() > before {
            self.sample(before, signatures);
        }
        self.news |= news;
        fold(&mut self.case, &entry, signatures, || proven(&self.deeds, self.index.len()));
        let folded = self.index.len();
        if self.kept.wants(folded) {
            let (cursor, case) = (self.cursor.clone(), self.case.clone());
            self.kept.keep(State { folded, cursor, case });
        }
        true
    }

    fn is_news(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Seen(seen) => !is_routine(&self.case, &seen.seen),
            Entry::Deed { .. } => true,
            _ => false,
        }
    }

    /// Takes in where an entry stands.
    fn note(&mut self, entry: &Entry, news: bool) {
        match entry {
            Entry::Begin(header) => {
                let other = |known: &Header| known.boot_id != header.boot_id;
                if self.header.as_ref().is_some_and(other) {
                    self.index.reboot();
                }
                self.header.get_or_insert_with(|| (**header).clone());
                self.index.push(None, false);
            }
            Entry::Deed { at, who, deed } => {
                if self.deeds.len() < DEEDS {
                    let (who, deed) = (who.clone(), deed.clone());
                    self.deeds.push(Done { entry: self.index.len(), at: *at, who, deed });
                }
                self.index.push(Some(*at), news);
            }
            Entry::Lost { .. } => {
                if self.places.len() < PLACES {
                    self.places.push(self.case.now.wall);
                }
                self.index.push(None, true);
            }
            other => self.index.push(Some(other.at()), news),
        }
    }

    /// Diagnoses what had been seen by `at`, if that is due now that time goes on.
    fn sample(&mut self, at: Elapsed, signatures: &Signatures) {
        let since = self.sampled.map_or(Elapsed::MAX, |sampled| at.saturating_sub(sampled));
        let next = self.index.end().saturating_sub(at);
        // What comes in one burst is diagnosed when it is over.
        let news = self.news && (since >= self.every || next >= self.every);
        if news || since >= self.every.saturating_mul(CALM) {
            self.diagnose(at, signatures);
        }
    }

    /// Diagnoses what is there, once no more is.
    fn settle(&mut self, signatures: &Signatures) {
        let end = self.index.end();
        if self.index.len() > 0 && (self.news || self.sampled != Some(end)) {
            self.diagnose(end, signatures);
        }
    }

    fn diagnose(&mut self, at: Elapsed, signatures: &Signatures) {
        self.news = false;
        self.sampled = Some(at);
        read_labels(&mut self.case);
        let diagnosis = diagnose(&self.case, signatures);
        let status = diagnosis.status;
        // Growing recordings may have been diagnosed at this place before.
        self.samples.pop_if(|last| last.at == at);
        self.samples.push(Sample { at, status });
        if self.samples.len() > SAMPLES {
            self.every = self.every.saturating_mul(2);
            let mut count = 0_usize;
            self.samples.retain(|_| {
                count += 1;
                !count.is_multiple_of(2)
            });
        }
        if diagnosis.incident.present || status == Status::Failing {
            self.first_failure.get_or_insert(at);
        }
        let head = head(&diagnosis);
        if self.head.as_ref() != Some(&head) {
            let first = self.head.is_none();
            self.head = Some(head);
            let cause = diagnosis.findings.first().map(|finding| finding.cause);
            // That nothing is known yet is no change.
            if first && cause.is_none() && status == Status::Unknown {
                return;
            }
            if self.changes.len() < CHANGES {
                self.changes.push(Change { at, status, cause });
            } else {
                self.more_changes += 1;
            }
        }
    }
}

fn head(diagnosis: &Diagnosis) -> Head {
    let findings = diagnosis.findings.iter().map(|finding| {
        // Another process of the same program is no other finding.
        let subject = FindingSubject { pid: None, ..finding.subject.clone() };
        (finding.cause, finding.confidence.as_str(), subject)
    });
    Head { status: diagnosis.status, findings: findings.collect() }
}

/// What a plan repairs, once it is judged fixed.
type Proven = Vec<(GatewayId, Option<Address>)>;

/// What is proven by a verdict that stands before so many entries: the plan that was handed over
/// last knows it.
pub(super) fn proven(deeds: &[Done], entries: usize) -> Proven {
    let count = deeds.partition_point(|done| done.entry < entries);
    let before = deeds.get(..count).unwrap_or_default();
    let plan = before.iter().rev().find_map(|done| match &done.deed {
        Deed::Prepare { proven, .. } => Some(proven.clone()),
        Deed::TakeBack { .. } => Some(Vec::new()),
        _ => None,
    });
    plan.unwrap_or_default()
}

/// Takes one entry into what is known; `proven` is asked when something was judged fixed.
pub(super) fn fold(
    case: &mut CaseFile,
    entry: &Entry,
    signatures: &Signatures,
    proven: impl FnOnce() -> Proven,
) {
    match entry {
        Entry::Seen(seen) => admit(case, seen, signatures),
        Entry::Deed { at, deed, .. } => {
            case.now = case.now.max(*at);
            if let Deed::Progress { said } = deed
                && let Progress::Judged { verdict: Verdict::Fixed, .. } = **said
            {
                let now = case.now.wall;
                case.proven.extend(proven().into_iter().map(|repaired| (repaired, now)));
            }
        }
        // They say when something else was: when the session began, what came before the damage.
        Entry::Begin(_) | Entry::Lost { .. } => {}
        other => case.now = case.now.max(other.at()),
    }
}
