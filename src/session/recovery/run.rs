//! One repair from the key to the verdict.

use crate::{
    observation::{Text, Wall},
    remedy::{Check, Digest, Ending, Plan},
    session::Key,
    verification::{Judgement, Verdict},
};

/// How far the way from a shown question to an accepted yes is gone. A yes that was typed before
/// the question could be read does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arming {
    /// No frame with the question has been drawn yet; the ticket names this question.
    Unseen(u64),
    /// A frame with it has been drawn.
    Seen(u64),
    /// It has been on screen long enough: a yes counts.
    Armed,
}

/// The question that the process asks which carries out.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What a yes is bound to.
    pub digest: Digest,
    /// The word that is given back with it.
    pub nonce: String,
    /// The name that must be typed, if one must.
    pub type_name: Option<String>,
    /// What has been typed of it.
    pub typed: String,
    /// Whether a yes counts already.
    pub arming: Arming,
}

/// What became of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    #[default]
    Waits,
    /// Under way.
    Begun,
    /// Done; what the machine said.
    Done(String),
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The checks are under way.
    Preparing,
    /// A yes is waited for.
    Asking,
    /// It is not done.
    Refused,
    /// It was only looked at.
    Rehearsed,
    /// The steps are under way.
    Acting,
    /// The promise is being watched.
    Watching,
    /// It is taken back unless somebody says keep.
    Keeping,
    /// Over.
    Over,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To do it.
    Repair,
    /// To look what would be done: no yes is possible.
    Rehearsal,
    /// To take an earlier one back.
    Undo,
}

/// One repair.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What is done.
    pub plan: Plan,
    /// What it is for.
    pub purpose: Purpose,
    /// The key that opened it; it neither confirms nor closes.
    pub opened: Key,
    /// When it was asked for.
    pub began: Wall,
    /// The first visible line.
    pub top: usize,
    /// What the checks said so far.
    pub checks: Vec<Check>,
    /// Files that change, with the lines of a unified diff.
    pub diffs: Vec<(Text, Vec<Text>)>,
    /// The question, once it is asked.
    pub question: Option<Question>,
    /// Why it is not done, with what to do by hand.
    pub refusal: Option<(String, Vec<String>)>,
    /// Somebody else acts: who, and since when.
    pub busy: Option<(String, Wall)>,
    /// Whether the yes has been given.
    pub confirmed: bool,
    /// Number of its record.
    pub sequence: Option<u64>,
    /// Where the evidence was saved that it destroys.
    pub captured: Option<Text>,
    /// What became of each step.
    pub steps: Vec<StepState>,
    /// How the promise stands.
    pub judgement: Option<Judgement>,
    /// Seconds since the action.
    pub secs: u64,
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// Seconds until it is taken back by itself.
    pub keeping: Option<u64>,
    /// Whether keep or revert counts already, once that is asked.
    pub keep: Option<Arming>,
    /// Whether keep or revert has been asked for.
    pub decided: bool,
    /// Why it was taken back, and whether the service answers as before.
    pub rolled_back: Option<(String, Verdict)>,
    /// What a person must look at, and the commands that bring the old state back.
    pub needs_human: Option<(String, Vec<String>)>,
    /// How it ended.
    pub ending: Option<Ending>,
}

impl Run {
    /// A run that is about to be prepared.
    pub fn new(plan: Plan, opened: Key, purpose: Purpose) -> Self {
        let steps = vec![StepState::Waits; plan.steps.len()];
        Self {
            plan,
            purpose,
            opened,
            began: Wall::default(),
            top: 0,
            checks: Vec::new(),
            diffs: Vec::new(),
            question: None,
            refusal: None,
            busy: None,
            confirmed: false,
            sequence: None,
            captured: None,
            steps,
            judgement: None,
            secs: 0,
            verdict: None,
            keeping: None,
            keep: None,
            decided: false,
            rolled_back: None,
            needs_human: None,
            ending: None,
        }
    }

    /// What it does, in one line.
    pub fn words(&self) -> String {
        if self.plan.steps.is_empty() {
            return "take back what was broken off".to_owned();
        }
        let words = self.plan.words();
        if self.purpose == Purpose::Undo { format!("take back: {words}") } else { words }
    }

    /// Where it stands.
    pub const fn stage(&self) -> Stage {
        if self.refusal.is_some() {
            Stage::Refused
        } else if matches!(self.purpose, Purpose::Rehearsal)
            && (self.question.is_some() || self.ending.is_some())
        {
            Stage::Rehearsed
        } else if self.ending.is_some() {
            Stage::Over
        } else if !self.confirmed {
            if self.question.is_some() { Stage::Asking } else { Stage::Preparing }
        } else if self.keeping.is_some() && !self.decided {
            Stage::Keeping
        } else if self.judgement.is_some() {
            Stage::Watching
        } else {
            Stage::Acting
        }
    }
}
