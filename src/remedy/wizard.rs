//! The way of one person through playbooks: where they are, what came of each step, and where it
//! goes on. A step is closed by what was measured, by a verdict, or skipped with a reason.

use serde::{Deserialize, Serialize};

use crate::{
    diagnosis::{Diagnosis, Finding},
    evidence::CaseFile,
    observation::Wall,
    verification::Verdict,
};

use super::{
    CHECKLIST, CheckId, Offer, Plan, Playbook, Playbooks, Step,
    look::{About, Measured, State, look},
};

/// Form of the remembered text.
const SCHEMA: &str = "gatemedic.wizard/1";
/// Longest remembered text that is read, bytes.
const LARGEST: usize = 256 * 1_024;
/// Closed steps that are kept.
const KEPT: usize = 400;
/// Longest reason, characters.
const REASON: usize = 200;

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Everything, for the first time.
    #[default]
    Junior,
    /// For somebody who knows the parts.
    Normal,
    /// A reminder.
    Expert,
}

/// Which way is walked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// Along the evidence, from the top cause.
    #[default]
    Path,
    /// The checklist, from its beginning.
    Checklist,
}

/// How a step was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", content = "what", rename_all = "kebab-case")]
pub enum How {
    /// It was found in order.
    Good,
    /// It was found out of order.
    Bad,
    /// It could not be seen.
    Unknown,
    /// There is nothing of the kind here.
    NotApplicable,
    /// Something was done, with this verdict.
    Done(Verdict),
    /// It was left out, for this reason.
    Skipped(String),
}

/// A closed step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Id of the playbook.
    pub book: String,
    /// Id of the step.
    pub step: String,
    /// The cause that it was about, and whom it concerned; empty on the checklist.
    pub about: (String, String),
    /// When.
    pub at: Wall,
    /// How.
    pub how: How,
    /// What was found, the first line.
    pub found: String,
}

/// One person's way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wizard {
    /// Which way.
    pub track: Track,
    /// How much is said.
    pub depth: Depth,
    /// Id of the playbook.
    pub book: String,
    /// Id of the step.
    pub step: String,
    /// The cause that it is about; empty on the checklist.
    pub cause: String,
    /// Whom that concerns.
    pub whom: String,
    /// What has been closed, oldest first.
    pub closed: Vec<Closed>,
    /// Whether the end was reached.
    pub over: bool,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    schema: String,
    wizard: Wizard,
}

/// How the present step stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It looks; this is what it sees.
    Look(Measured),
    /// It acts; this is what it would do.
    Act(Box<Plan>),
    /// It would act, and there is nothing to do or it is not done, for this reason.
    Nothing(String),
    /// It would act, and the cause is no longer seen: somebody else was quicker.
    Gone,
}

/// What going on came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Onward {
    /// The step was closed.
    Moved,
    /// The person is asked whether this shall be done; the verdict closes the step.
    Ask(Box<Plan>),
    /// It stays open, for this reason.
    Stays(&'static str),
    /// That was the last step.
    Over,
}

impl Depth {
    /// The next one, around the end.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Junior => Self::Normal,
            Self::Normal => Self::Expert,
            Self::Expert => Self::Junior,
        }
    }

    /// Its name on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Junior => "junior",
            Self::Normal => "normal",
            Self::Expert => "expert",
        }
    }

    /// The words of a step.
    pub fn words(self, step: &Step) -> &str {
        match self {
            Self::Junior => &step.junior,
            Self::Normal => &step.normal,
            Self::Expert => &step.expert,
        }
    }
}

impl How {
    /// In a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Good => "in order".to_owned(),
            Self::Bad => "out of order".to_owned(),
            Self::Unknown => "cannot be seen".to_owned(),
            Self::NotApplicable => "nothing of the kind here".to_owned(),
            Self::Done(verdict) => verdict.words().to_owned(),
            Self::Skipped(why) => format!("skipped: {why}"),
        }
    }
}

impl From<State> for How {
    fn from(state: State) -> Self {
        match state {
            State::Good => Self::Good,
            State::Bad => Self::Bad,
            State::Unknown => Self::Unknown,
            State::NotApplicable => Self::NotApplicable,
        }
    }
}

impl Wizard {
    /// Begins at the playbook of the first finding that has one, or at the checklist.
    pub fn begin(diagnosis: &Diagnosis, books: &Playbooks, depth: Depth) -> Self {
        let mut wizard = Self { depth, ..Self::default() };
        if !wizard.follow(diagnosis, books) {
            wizard.checklist(books);
        }
        wizard
    }

    /// Begins the checklist.
    pub fn checklist(&mut self, books: &Playbooks) {
        self.track = Track::Checklist;
        self.cause.clear();
        self.whom.clear();
        self.enter(books.get(CHECKLIST));
    }

    /// Begins the checklist at one of its steps.
    pub fn checklist_from(&mut self, books: &Playbooks, step: &str) {
        self.checklist(books);
        if books.get(CHECKLIST).is_some_and(|book| book.step(step).is_some()) {
            step.clone_into(&mut self.step);
        }
    }

    /// Turns to the first finding whose playbook has not been walked for it; false when there is
    /// none.
    pub fn follow(&mut self, diagnosis: &Diagnosis, books: &Playbooks) -> bool {
        let next = diagnosis.findings.iter().find_map(|finding| {
            let book = books.for_cause(finding.cause)?;
            (!self.has_walked(book, finding)).then_some((book, finding))
        });
        let Some((book, finding)) = next else { return false };
        self.track = Track::Path;
        finding.cause.clone_into(&mut self.cause);
        self.whom = finding.subject.whom();
        self.enter(Some(book));
        true
    }

    /// Whether the last step of a playbook has been closed for a finding.
    fn has_walked(&self, book: &Playbook, finding: &Finding) -> bool {
        let about = (finding.cause.to_owned(), finding.subject.whom());
        let closed = |step: &Step| {
            let same = |c: &Closed| c.book == book.id && c.step == step.id && c.about == about;
            self.closed.iter().any(same)
        };
        book.steps.last().is_some_and(closed)
    }

    fn enter(&mut self, book: Option<&Playbook>) {
        self.over = false;
        self.book = book.map(|book| book.id.clone()).unwrap_or_default();
        let first = book.and_then(|book| book.steps.first());
        self.step = first.map(|step| step.id.clone()).unwrap_or_default();
    }

    /// The playbook and the step. A playbook that was changed meanwhile begins anew.
    pub fn here<'a>(&self, books: &'a Playbooks) -> Option<(&'a Playbook, &'a Step)> {
        let book = books.get(&self.book)?;
        let step = book.step(&self.step).or_else(|| book.steps.first())?;
        Some((book, step))
    }

    /// The finding that it is about.
    pub fn about(&self) -> Option<About<'_>> {
        (!self.cause.is_empty()).then_some(About { cause: &self.cause, whom: &self.whom })
    }

    /// The finding itself, while it is seen.
    pub fn finding<'a>(&self, diagnosis: &'a Diagnosis) -> Option<&'a Finding> {
        let same = |f: &&Finding| f.cause == self.cause && f.subject.whom() == self.whom;
        diagnosis.findings.iter().find(same).or_else(|| diagnosis.recovered.iter().find(same))
    }

    /// How the present step stands.
    pub fn standing(
        &self,
        books: &Playbooks,
        case: &CaseFile,
        diagnosis: &Diagnosis,
        offers: &[Offer],
    ) -> Option<Standing> {
        let (book, step) = self.here(books)?;
        if let Some(id) = step.look.as_deref().and_then(CheckId::parse) {
            return Some(Standing::Look(look(id, case, diagnosis, self.about())));
        }
        let remedy = step.act.as_deref()?;
        let own = |o: &&Offer| o.cause == self.cause && o.whom == self.whom;
        let same_book = |o: &&Offer| book.causes.iter().any(|cause| cause == o.cause);
        let candidates = offers.iter().filter(own).chain(offers.iter().filter(same_book));
        let plan = candidates.flat_map(|o| &o.plans).find(|plan| plan.remedy == remedy);
        if let Some(plan) = plan {
            return Some(Standing::Act(Box::new(plan.clone())));
        }
        let own = offers.iter().find(own);
        if own.is_none() && !self.cause.is_empty() {
            return Some(Standing::Gone);
        }
        let refusal = own.and_then(|offer| offer.refusal.as_ref());
        Some(Standing::Nothing(refusal.map_or_else(
            || "there is nothing of this kind to do here".to_owned(),
            |refusal| format!("it is not done: {}", refusal.why),
        )))
    }

    /// Goes on. What was measured closes the step; what acts asks first.
    pub fn onward(
        &mut self,
        books: &Playbooks,
        diagnosis: &Diagnosis,
        standing: Option<&Standing>,
        at: Wall,
    ) -> Onward {
        let by_hand = self.here(books).is_some_and(|(_, step)| step.by_hand);
        match standing {
            None => Onward::Over,
            Some(Standing::Act(plan)) => Onward::Ask(plan.clone()),
            Some(Standing::Nothing(why)) => {
                self.close(books, diagnosis, How::NotApplicable, why.clone(), at)
            }
            Some(Standing::Gone) => {
                let found = "the cause is no longer seen".to_owned();
                self.close(books, diagnosis, How::Good, found, at)
            }
            Some(Standing::Look(seen)) if by_hand && seen.state != State::Good => {
                Onward::Stays("it is not in order yet: do what it says, or skip it with a reason")
            }
            Some(Standing::Look(seen)) => {
                let found = seen.found.first().cloned().unwrap_or_default();
                self.close(books, diagnosis, seen.state.into(), found, at)
            }
        }
    }

    /// What was done has a verdict: it closes the step that offered it.
    pub fn heard(
        &mut self,
        books: &Playbooks,
        diagnosis: &Diagnosis,
        plan: &Plan,
        verdict: Verdict,
        at: Wall,
    ) -> bool {
        let act = self.here(books).and_then(|(_, step)| step.act.as_deref());
        if self.over || act != Some(plan.remedy.as_str()) {
            return false;
        }
        self.close(books, diagnosis, How::Done(verdict), plan.words(), at);
        true
    }

    /// Leaves the step out; a reason is needed.
    pub fn skip(
        &mut self,
        books: &Playbooks,
        diagnosis: &Diagnosis,
        reason: &str,
        at: Wall,
    ) -> Onward {
        let reason: String = reason.trim().chars().take(REASON).collect();
        if reason.is_empty() {
            return Onward::Stays("a step is skipped with a reason only");
        }
        self.close(books, diagnosis, How::Skipped(reason), String::new(), at)
    }

    /// Back to the step that was closed last.
    pub fn back(&mut self) -> bool {
        let Some(last) = self.closed.pop() else { return false };
        (self.book, self.step, self.over) = (last.book, last.step, false);
        true
    }

    /// The newest word on a step.
    pub fn closing(&self, book: &str, step: &str) -> Option<&Closed> {
        self.closed.iter().rev().find(|closed| closed.book == book && closed.step == step)
    }

    fn close(
        &mut self,
        books: &Playbooks,
        diagnosis: &Diagnosis,
        how: How,
        found: String,
        at: Wall,
    ) -> Onward {
        let Some((book, step)) = self.here(books) else { return Onward::Over };
        let after = match &how {
            How::Good if step.act.is_some() => step.after.fixed.as_ref(),
            How::Good => step.after.good.as_ref(),
            How::Bad => step.after.bad.as_ref(),
            How::Done(Verdict::Fixed) => step.after.fixed.as_ref(),
            How::Done(_) => step.after.not_fixed.as_ref(),
            // Where there is nothing to do, the way is that of what did not help.
            How::NotApplicable if step.act.is_some() => step.after.not_fixed.as_ref(),
            How::NotApplicable | How::Unknown | How::Skipped(_) => None,
        };
        let at_step = book.steps.iter().position(|s| s.id == step.id).unwrap_or(0);
        let next = after.cloned().or_else(|| book.steps.get(at_step + 1).map(|s| s.id.clone()));
        let (book, step) = (book.id.clone(), step.id.clone());
        let about = (self.cause.clone(), self.whom.clone());
        self.closed.push(Closed { book, step, about, at, how, found });
        let excess = self.closed.len().saturating_sub(KEPT);
        self.closed.drain(..excess);
        match next {
            Some(next) => {
                self.step = next;
                Onward::Moved
            }
            None if self.track == Track::Path && self.follow(diagnosis, books) => Onward::Moved,
            None => {
                self.over = true;
                Onward::Over
            }
        }
    }

    /// Text from which [`Wizard::recall`] takes it up again.
    pub fn remember(&self) -> String {
        let remembered = Remembered { schema: SCHEMA.to_owned(), wizard: self.clone() };
        serde_json::to_string(&remembered).unwrap_or_default()
    }

    /// Takes a remembered way up again; nothing when the text is none, or of another version.
    pub fn recall(text: &str) -> Option<Self> {
        if text.len() > LARGEST {
            return None;
        }
        let read: Remembered = serde_json::from_str(text).ok()?;
        let fits = read.schema == SCHEMA && read.wizard.closed.len() <= KEPT;
        fits.then_some(read.wizard)
    }
}

/// A word of a shown command with what it stands for; a name in capitals where that is not known.
pub fn filled(word: &str, finding: Option<&Finding>, offer: Option<&Offer>) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else { break };
        out.push_str(&value(name, finding, offer).unwrap_or_else(|| name.to_uppercase()));
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn value(name: &str, finding: Option<&Finding>, offer: Option<&Offer>) -> Option<String> {
    let subject = &finding?.subject;
    let place = offer.and_then(|offer| offer.edit_at.as_ref());
    match name {
        "unit" => subject.unit.as_ref().map(ToString::to_string),
        "container" => subject.container.as_ref().map(|(_, name)| name.to_string()),
        "address" => subject.address.as_ref().map(ToString::to_string),
        "port" => subject.address.as_ref()?.port().map(|port| port.to_string()),
        "path" => {
            let path = subject.path.as_ref().map(ToString::to_string);
            path.or_else(|| subject.address.as_ref()?.path().map(str::to_owned))
        }
        "file" => place.map(|place| place.file.to_string()),
        "line" => place.map(|place| place.line.to_string()),
        "pid" => subject.pid.map(|pid| pid.to_string()),
        "host" => subject.name.as_ref().map(ToString::to_string),
        _ => None,
    }
}
