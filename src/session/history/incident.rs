//! One incident as it is remembered.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::{
    diagnosis::{Confidence, Finding, FindingSubject},
    observation::{Text, Wall},
    remedy::Ending,
    verification::Verdict,
};

/// Repairs that are remembered of one incident.
pub const MOST_REPAIRS: usize = 8;
/// What an incident touches, remembered one by one.
const MOST_TIES: usize = 32;
/// Upstreams that are named.
const MOST_UPSTREAMS: usize = 8;
/// A pause that does not end an incident: as long as that in the run of failed requests.
const PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// An open incident of which nobody wrote for so long has nobody who watches it.
const UNWATCHED: SignedDuration = SignedDuration::from_mins(3);

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It goes on, and a session watches it.
    Open,
    /// Its end was seen.
    Closed,
    /// Nobody watched any more when it ended, if it did.
    LeftOpen,
}

impl State {
    /// Its name in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::LeftOpen => "left-open",
        }
    }

    /// From its name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Open, Self::Closed, Self::LeftOpen].into_iter().find(|s| s.as_str() == name)
    }
}

/// A repair that was carried out while an incident lasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// What was done, in a line.
    pub action: Text,
    /// Who said yes; empty while nobody has said.
    pub by: Text,
    /// When it was said yes to.
    pub at: Wall,
    /// Seconds from the yes to the verdict, when there was one.
    pub secs: Option<u64>,
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// How it ended.
    pub ending: Ending,
    /// Number of its record in the audit.
    pub record: Option<u64>,
}

impl Repair {
    /// Whether it is what fixed the incident.
    pub fn fixed(&self) -> bool {
        self.ending == Ending::Verified && matches!(self.verdict, None | Some(Verdict::Fixed))
    }
}

/// What an incident touches: units, programs, containers, upstreams, gateways, each as `kind name`.
/// Two incidents that touch the same are one trouble.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties(BTreeSet<Text>);

impl Ties {
    /// Those of a finding.
    pub fn of(subject: &FindingSubject) -> Self {
        let one = |kind: &str, name: String| Text::new(format!("{kind} {name}"));
        let mut ties = BTreeSet::new();
        ties.extend(subject.unit.iter().map(|unit| one("unit", unit.to_string())));
        ties.extend(subject.program.iter().map(|program| one("program", program.to_string())));
        // A container that is made anew keeps its name, not its id.
        ties.extend(subject.container.iter().map(|(_, name)| one("container", name.to_string())));
        ties.extend(subject.gateway.iter().map(|gateway| one("gateway", gateway.to_string())));
        let upstreams = subject.upstreams.iter().map(|id| one("upstream", id.to_string()));
        ties.extend(upstreams.take(MOST_TIES - 4));
        Self(ties)
    }

    /// From what was kept; what is beyond the bound is left out.
    pub fn kept(all: impl IntoIterator<Item = Text>) -> Self {
        Self(all.into_iter().take(MOST_TIES).collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Text> {
        self.0.iter()
    }

    /// Whether both speak of the same: something in common, or the whole of a gateway.
    pub fn overlaps(&self, other: &Self) -> bool {
        let whole = self.is_whole() || other.is_whole();
        self.0.intersection(&other.0).any(|tie| whole || !tie.raw().starts_with("gateway "))
    }

    /// Whether it concerns no upstream in particular.
    fn is_whole(&self) -> bool {
        !self.0.iter().any(|tie| tie.raw().starts_with("upstream "))
    }

    fn join(&mut self, other: &Self) {
        for tie in &other.0 {
            if self.0.len() >= MOST_TIES {
                return;
            }
            self.0.insert(tie.clone());
        }
    }
}

/// What is wrong: a cause and whom it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Id of the cause.
    pub cause: Text,
    /// Whom it concerns, as on screen.
    pub subject: Text,
    /// The finding in a sentence.
    pub summary: Text,
    /// How sure it is.
    pub confidence: Confidence,
    /// What it touches.
    pub ties: Ties,
    /// The gateway, as its id has it; empty where none is known.
    pub gateway: Text,
    /// Upstreams that suffer, the first eight.
    pub upstreams: Vec<Text>,
}

impl Trouble {
    /// That of a finding.
    pub fn of(finding: &Finding) -> Self {
        let subject = &finding.subject;
        let gateway = subject.gateway.as_ref().map(ToString::to_string);
        let upstreams = subject.upstreams.iter().take(MOST_UPSTREAMS);
        Self {
            cause: Text::new(finding.cause),
            subject: Text::new(Self::subject(subject)),
            summary: Text::new(&finding.summary),
            confidence: finding.confidence,
            ties: Ties::of(subject),
            gateway: Text::new(gateway.unwrap_or_default()),
            upstreams: upstreams.map(|id| Text::new(id.to_string())).collect(),
        }
    }

    /// Whom a finding concerns, as it stays the same over months: a container by its name, because
    /// its id changes whenever it is made anew.
    pub fn subject(subject: &FindingSubject) -> String {
        match &subject.container {
            Some((_, name)) if subject.unit.is_none() && subject.program.is_none() => {
                name.to_string()
            }
            _ => subject.whom(),
        }
    }

    /// Whether both are one trouble: the same cause of the same, or something touched by both.
    pub fn is_that_of(&self, other: &Self) -> bool {
        let named = self.cause == other.cause && self.subject == other.subject;
        named || self.ties.overlaps(&other.ties)
    }
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its number; 0 while it has none.
    pub id: u64,
    /// What was wrong.
    pub trouble: Trouble,
    /// First failure, or since when it failed without a request.
    pub first: Wall,
    /// Last time that it was seen failing.
    pub last: Wall,
    /// When it was over, if that was seen.
    pub ended: Option<Wall>,
    /// Where it stands, as it was written.
    pub state: State,
    /// Failed requests that were seen meanwhile.
    pub failures: u64,
    /// How often it came back after it was taken for over.
    pub returns: u32,
    /// What was done about it, oldest first.
    pub repairs: Vec<Repair>,
    /// What changed on the host at its end, when no repair from here ended it: told, never a proof.
    pub changed: Option<Text>,
    /// The name of the recording of it, if there is one.
    pub recording: Option<Text>,
    /// When this was written.
    pub updated: Wall,
}

impl Incident {
    /// Where it stands now: one that nobody watches any more was left open.
    pub fn state_at(&self, now: Wall) -> State {
        let unwatched = now.since(self.updated) > UNWATCHED;
        if self.state == State::Open && unwatched { State::LeftOpen } else { self.state }
    }

    /// Its end, as far as it was seen.
    pub fn end(&self) -> Wall {
        self.ended.unwrap_or(self.last).max(self.last)
    }

    /// Whole seconds that it lasted, as far as it was seen.
    pub fn secs(&self) -> u64 {
        u64::try_from(self.end().since(self.first).as_secs()).unwrap_or(0)
    }

    /// The repair that fixed it, if one did.
    pub fn fix(&self) -> Option<&Repair> {
        self.repairs.iter().rev().find(|repair| repair.fixed())
    }

    /// Whether both are the same one: one trouble, without a long pause between them.
    pub fn is_that_of(&self, other: &Self) -> bool {
        self.touches(other.first, other.end()) && self.trouble.is_that_of(&other.trouble)
    }

    /// Whether it lies within ten minutes of a span of time.
    pub fn touches(&self, first: Wall, end: Wall) -> bool {
        first.since(self.end()) <= PAUSE && self.first.since(end) <= PAUSE
    }

    /// Takes over what a newer sight of the trouble says. A cause that was acted on stays: what is
    /// seen while a service restarts is no better answer.
    pub(super) fn sharpen(&mut self, trouble: &Trouble) {
        let ties = &trouble.ties;
        if self.repairs.is_empty() && trouble.confidence >= self.trouble.confidence {
            let old = std::mem::replace(&mut self.trouble, trouble.clone());
            self.trouble.ties.join(&old.ties);
        } else {
            self.trouble.ties.join(ties);
        }
    }

    /// Takes in another incident that turned out to be this one. What this one says is wrong stays,
    /// unless only the other was acted on.
    pub(super) fn absorb(&mut self, other: &Self) {
        let acted = self.repairs.is_empty() && !other.repairs.is_empty();
        let trouble = if acted { other.trouble.clone() } else { self.trouble.clone() };
        self.merge(other);
        let joined = std::mem::replace(&mut self.trouble, trouble);
        self.trouble.ties.join(&joined.ties);
    }

    /// Takes over another account of the same incident.
    pub(super) fn merge(&mut self, other: &Self) {
        let newer = other.updated >= self.updated;
        let back = self.state == State::Closed
            && other.state == State::Open
            && self.ended.is_none_or(|ended| other.last > ended);
        if newer && self.repairs.is_empty() {
            self.sharpen(&other.trouble);
        } else {
            self.trouble.ties.join(&other.trouble.ties);
        }
        if back {
            self.returns = self.returns.saturating_add(1);
        }
        let stale = self.state == State::Closed && other.state != State::Closed && !back;
        // Whoever took it for over before it was last seen failing spoke of a part of it.
        let early = self.state != State::Closed && other.ended.is_some_and(|end| end < self.last);
        if newer && !stale && !early {
            (self.state, self.ended) = (other.state, other.ended);
            self.changed.clone_from(&other.changed);
        }
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.failures = self.failures.max(other.failures);
        self.returns = self.returns.max(other.returns);
        self.updated = self.updated.max(other.updated);
        self.recording = self.recording.take().or_else(|| other.recording.clone());
        for repair in &other.repairs {
            let same = |own: &&mut Repair| own.at == repair.at && own.action == repair.action;
            match self.repairs.iter_mut().find(same) {
                Some(own) if own.by.is_empty() => own.by = repair.by.clone(),
                Some(_) => {}
                None => self.repairs.push(repair.clone()),
            }
        }
        self.repairs.sort_by_key(|repair| repair.at);
        let excess = self.repairs.len().saturating_sub(MOST_REPAIRS);
        self.repairs.drain(..excess);
    }
}
