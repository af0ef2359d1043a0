//! The states of a mutation. Each consumes the one before, so that no step can be left out or done
//! twice, and nothing becomes verified but by what was seen:
//!
//! ```text
//! Planned → Preflighted → Recorded → BackedUp → Applied → Verified | RolledBack | NeedsHuman
//! ```

use crate::{
    evidence::CaseFile,
    observation::Text,
    remedy::{Action, Check, Digest, FileEdit, Plan, Regard},
    verification::{Judgement, ServingProof},
};

use super::{
    Confirmation, Failure, Permit, Question, Tools, Unasked,
    audit::Recorded as Entry,
    digest_of,
    edit::{self, Rehearsal, Written},
    hands::{self, Done, Undo},
};

/// A plan on its way.
#[derive(Debug)]
pub struct Mutation<State> {
    plan: Plan,
    state: State,
}

/// Nothing has been looked at.
#[derive(Debug)]
pub struct Planned(());

/// Every guard has looked, every edit has been rehearsed; a yes is waited for.
#[derive(Debug)]
pub struct Preflighted {
    digest: Digest,
    edits: Vec<Rehearsal>,
}

/// It is on record that it will be done.
#[derive(Debug)]
pub struct Recorded {
    edits: Vec<Rehearsal>,
}

/// The evidence that it would destroy has been saved. The copy of an edited file is made by the write
/// itself, before the file is touched.
#[derive(Debug)]
pub struct BackedUp {
    edits: Vec<Rehearsal>,
}

/// It has been done, wholly or in part; whether it works is not known. It must be brought to an
/// end: verified, or taken back.
///
/// An exit code is no way to the end:
///
/// ```compile_fail
/// # use gatemedic::action::{Mutation, Applied};
/// fn verified(mutation: Mutation<Applied>, exit_code: i32) {
///     if exit_code == 0 {
///         let _ = mutation.verify(exit_code);
///     }
/// }
/// ```
#[derive(Debug)]
#[must_use = "what was applied must be verified or taken back"]
pub struct Applied {
    /// Steps that went well.
    steps: usize,
    done: Vec<Undo>,
    written: Vec<Written>,
}

/// It works.
#[derive(Debug)]
pub struct Verified {
    judgement: Judgement,
}

/// It has been taken back.
#[derive(Debug)]
pub struct RolledBack(());

/// It could neither be finished nor taken back.
#[derive(Debug)]
pub struct NeedsHuman {
    why: Failure,
    left: Vec<Undo>,
}

impl<State> Mutation<State> {
    /// What it is about.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl Mutation<Planned> {
    /// Begins.
    pub const fn new(plan: Plan) -> Self {
        Self { plan, state: Planned(()) }
    }

    /// Takes what the guards found. The plan goes on only when none refuses.
    ///
    /// # Errors
    /// The refusal that weighs most.
    pub fn preflight(
        self,
        checks: &[Check],
        edits: Vec<Rehearsal>,
        nonce: String,
    ) -> Result<(Mutation<Preflighted>, Question), Check> {
        if let Some(refused) = checks.iter().find(|check| check.regard == Regard::Refused) {
            return Err(refused.clone());
        }
        let files: Vec<_> = edits.iter().map(|edit| (edit.old(), edit.new_digest())).collect();
        let digest = digest_of(&self.plan, &files);
        let typed = self.plan.is_typed() || checks.iter().any(|c| c.regard == Regard::Typed);
        let name = typed.then(|| self.plan.name_to_type());
        let next = Mutation { plan: self.plan, state: Preflighted { digest, edits } };
        Ok((next, Question::new(digest, nonce, name)))
    }
}

impl Mutation<Preflighted> {
    /// Fingerprint of what is changed in files, for the record.
    pub fn diff(&self) -> Option<Digest> {
        let lines = self.state.edits.iter().flat_map(Rehearsal::diff);
        let lines: Vec<&[u8]> = lines.map(|line| line.raw().as_bytes()).collect();
        (!lines.is_empty()).then(|| Digest::of_parts(&lines))
    }

    /// Takes the yes and the record of the intent.
    ///
    /// # Errors
    /// [`Unasked::Other`] when the yes was to something else.
    pub fn record(
        self,
        yes: Confirmation,
        _on_record: &Entry,
    ) -> Result<Mutation<Recorded>, Unasked> {
        if yes.redeem() != self.state.digest {
            return Err(Unasked::Other);
        }
        Ok(Mutation { plan: self.plan, state: Recorded { edits: self.state.edits } })
    }
}

impl Mutation<Recorded> {
    /// Takes note that what would be lost has been saved: `evidence` says where, as far as there was
    /// any.
    pub fn back_up(self, _evidence: Option<&Text>) -> Mutation<BackedUp> {
        Mutation { plan: self.plan, state: BackedUp { edits: self.state.edits } }
    }
}

impl Mutation<BackedUp> {
    /// Carries the steps out, the next only when the one before went well. `tell` hears of each
    /// beginning and end.
    pub async fn apply(
        self,
        permit: &Permit,
        case: &CaseFile,
        tools: &Tools,
        mut tell: impl FnMut(usize, Option<&str>),
    ) -> (Mutation<Applied>, Result<(), Failure>) {
        let (mut done, mut written, mut steps) = (Vec::new(), Vec::new(), 0);
        let mut edits = self.state.edits;
        let digest = self.plan.digest();
        let mut result = Ok(());
        for (at, step) in self.plan.steps.iter().enumerate() {
            tell(at, None);
            let outcome = match step {
                Action::EditFile(edit) => {
                    write(edit, &mut edits, permit, tools, digest, &mut written)
                }
                other => hands::carry_out(permit, other, case, tools).await,
            };
            match outcome {
                Ok(Done { words, undo }) => {
                    tell(at, Some(&words));
                    steps += 1;
                    done.extend(undo);
                }
                Err(failure) => {
                    result = Err(failure);
                    break;
                }
            }
        }
        (Mutation { plan: self.plan, state: Applied { steps, done, written } }, result)
    }
}

/// Several edits of one file are one write, done with the first of them.
fn write(
    edit: &FileEdit,
    edits: &mut Vec<Rehearsal>,
    permit: &Permit,
    tools: &Tools,
    plan: Digest,
    written: &mut Vec<Written>,
) -> Result<Done, Failure> {
    let Some(at) = edits.iter().position(|rehearsal| rehearsal.edits().contains(edit)) else {
        return Ok(Done { words: "written with the step before".to_owned(), undo: None });
    };
    let one = edit::write(permit, edits.swap_remove(at), tools, plan)?;
    let done = Done { words: one.words.clone(), undo: Some(one.undo.clone()) };
    written.push(one);
    Ok(done)
}

impl Mutation<Applied> {
    /// It works: what was seen says so.
    pub fn verify(self, proof: &ServingProof) -> Mutation<Verified> {
        settle(self.state.written);
        Mutation { plan: self.plan, state: Verified { judgement: proof.judgement().clone() } }
    }

    /// Whether not even the first step went well: then nothing has been changed.
    pub const fn is_untouched(&self) -> bool {
        self.state.steps == 0
    }

    /// The step that did not go well, if one did not.
    pub fn stopped_at(&self) -> Option<&Action> {
        self.plan.steps.get(self.state.steps)
    }

    /// How it would be taken back, the last step first.
    pub fn undo(&self) -> Vec<Undo> {
        self.state.done.iter().rev().cloned().collect()
    }

    /// It stays as it is, although it is not what was promised: what was done does no harm.
    pub fn leave(self) {
        settle(self.state.written);
    }

    /// Takes the edits back, and has what read them read them again. What was started stays
    /// started.
    ///
    /// # Errors
    /// What a person has to do.
    pub async fn roll_back(
        self,
        permit: &Permit,
        case: &CaseFile,
        tools: &Tools,
    ) -> Result<Mutation<RolledBack>, Mutation<NeedsHuman>> {
        let edits = self.undo();
        let mut left: Vec<Undo> =
            edits.into_iter().filter(|undo| matches!(undo, Undo::RestoreFile { .. })).collect();
        while let Some(undo) = left.first() {
            if let Err(why) = hands::take_back(permit, undo, tools).await {
                return Err(Mutation { plan: self.plan, state: NeedsHuman { why, left } });
            }
            left.remove(0);
        }
        // The files are what they were: there is nothing left to recover, whatever comes now.
        settle(self.state.written);
        // What was not reached has read nothing of the edit.
        for step in self.plan.steps.iter().take(self.state.steps) {
            if matches!(step, Action::ReloadGateway { .. })
                && let Err(why) = hands::carry_out(permit, step, case, tools).await
            {
                return Err(Mutation { plan: self.plan, state: NeedsHuman { why, left } });
            }
        }
        Ok(Mutation { plan: self.plan, state: RolledBack(()) })
    }
}

/// Nothing of an edit is left to recover. Where the journal cannot be changed, the edit is offered
/// for recovery once more, which a person then declines.
fn settle(written: Vec<Written>) {
    for one in written {
        drop(one.settle());
    }
}

impl Mutation<Verified> {
    /// What was seen.
    pub const fn judgement(&self) -> &Judgement {
        &self.state.judgement
    }
}

impl Mutation<NeedsHuman> {
    /// What went wrong.
    pub const fn why(&self) -> &Failure {
        &self.state.why
    }

    /// What is still to be taken back.
    pub fn left(&self) -> &[Undo] {
        &self.state.left
    }
}
