//! After the yes: on record, saved, done, judged, kept or taken back.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{
    action::{
        Applied, BackedUp, Confirmation, Failure, Mutation, Permit, Preflighted, capture,
        hands::Undo,
        history::{self, Deed},
    },
    engine::eyes::Eyes,
    host::clock,
    observation::Text,
    remedy::{Check, Ending, Guard, Order, Plan, Progress},
    verification::{Verdict, baseline, whom},
};

use super::{
    run::{Run, Say},
    watch::Seen,
};

/// How long a word about what was done is waited for before it is taken back.
const KEEP: Duration = Duration::from_secs(60);

/// How it ended, in words for the record, and the verdict if there is one.
pub(super) type Outcome = (Ending, String, Option<Verdict>);

impl<S: Say> Run<'_, S> {
    /// Does what was said yes to.
    pub(super) async fn act(
        &mut self,
        mutation: Mutation<Preflighted>,
        yes: Confirmation,
        permit: &Permit,
    ) -> Ending {
        let plan = mutation.plan().clone();
        let _lock = match self.lock(permit, &plan.words(), &plan) {
            Ok(lock) => lock,
            Err(ending) => return ending,
        };
        let evidence = self.evidence(&plan);
        let record = match self.record(permit, &plan, &evidence, mutation.diff()) {
            Ok(record) => record,
            Err(ending) => return ending,
        };
        let ending = match mutation.record(yes, &record.1) {
            Ok(recorded) => {
                let folder = match &self.eyes {
                    Some(eyes) => capture::save(&plan, &eyes.model.case, &self.setup.tools).await,
                    None => Ok(None),
                };
                // What cannot be saved is said and does not keep a service down.
                let folder = match folder {
                    Ok(folder) => folder,
                    Err(failure) => {
                        let check = Check::note(Guard::Writable, failure.to_string());
                        self.say.say(Progress::Checked { check });
                        None
                    }
                };
                let folder =
                    folder.map(|path| Text::from_bytes(path.as_os_str().as_encoded_bytes()));
                let saved = recorded.back_up(folder.as_ref());
                if let Some(folder) = folder {
                    self.say.say(Progress::Captured { folder });
                }
                self.apply(saved, permit).await
            }
            Err(unasked) => (self.refused(&plan, unasked.to_string()), unasked.to_string(), None),
        };
        let (ending, words, verdict) = ending;
        self.conclude_record(&record, ending, verdict, &words);
        ending
    }

    /// The evidence for the cause that a plan is to cure.
    fn evidence(&self, plan: &Plan) -> Vec<Text> {
        let findings = self.eyes.iter().flat_map(|eyes| &eyes.model.diagnosis.findings);
        let mut own = findings.filter(|f| f.cause == plan.cause && whom(&f.subject) == plan.whom);
        let all = own.next().map(|finding| finding.evidence.as_slice()).unwrap_or_default();
        all.iter().map(|evidence| Text::new(&evidence.what)).collect()
    }

    async fn apply(&mut self, saved: Mutation<BackedUp>, permit: &Permit) -> Outcome {
        let plan = saved.plan().clone();
        let Some(mut eyes) = self.eyes.take() else {
            return (Ending::Refused, "no evidence".to_owned(), None);
        };
        eyes.settle();
        let before = baseline(&plan.expect, &eyes.model.case, &eyes.model.diagnosis);
        let began = clock::now();
        let say = &mut *self.say;
        let (applied, result) = saved
            .apply(permit, &eyes.model.case, &self.setup.tools, |step, words| {
                say.say(match words {
                    None => Progress::Begins { step },
                    Some(words) => Progress::Done { step, words: words.to_owned() },
                });
            })
            .await;
        // Kept before it is judged: whatever happens to this process, it can be taken back.
        let deed = Deed::new(self.sequence, plan.clone(), applied.undo());
        let kept = history::keep(&self.setup.tools, &deed);
        if let Err(failure) = result {
            return self.failed(applied, &failure, permit, eyes).await;
        }
        if let Err(failure) = kept {
            let words = format!("it could not be noted how this is taken back: {failure}");
            self.say.say(Progress::Checked { check: Check::note(Guard::Writable, words) });
        }
        let seen = self.watch(&plan.expect, before, began, &mut eyes).await;
        self.say.say(Progress::Judged { judgement: seen.judgement.clone(), verdict: seen.verdict });
        self.conclude(applied, seen, permit, eyes).await
    }

    /// A step failed: what was edited is taken back.
    async fn failed(
        &mut self,
        applied: Mutation<Applied>,
        failure: &Failure,
        permit: &Permit,
        eyes: Eyes,
    ) -> Outcome {
        let why = failure.to_string();
        if applied.undo().iter().any(Undo::is_edit) {
            return self.roll_back(applied, &why, permit, eyes).await;
        }
        let untouched = applied.is_untouched();
        applied.leave();
        self.say.say(Progress::Refused { why: why.clone(), by_hand: Vec::new() });
        if untouched {
            (Ending::Refused, why, None)
        } else {
            (Ending::NotFixed, why, Some(Verdict::NotFixed))
        }
    }

    async fn conclude(
        &mut self,
        applied: Mutation<Applied>,
        seen: Seen,
        permit: &Permit,
        eyes: Eyes,
    ) -> Outcome {
        let edits = applied.undo().iter().any(Undo::is_edit);
        let verdict = Some(seen.verdict);
        let bad = matches!(seen.verdict, Verdict::NotFixed | Verdict::Worse);
        if edits && bad {
            let why = format!("the promise was not kept: {}", seen.verdict.words());
            return self.roll_back(applied, &why, permit, eyes).await;
        }
        if edits && !self.is_kept().await {
            return self.roll_back(applied, "nobody said keep", permit, eyes).await;
        }
        match (seen.verdict, seen.judgement.proof()) {
            (Verdict::Fixed, Some(proof)) => {
                drop(applied.verify(&proof));
                (Ending::Verified, "verified".to_owned(), verdict)
            }
            (Verdict::CannotTell, _) => {
                applied.leave();
                (Ending::CannotTell, "cannot tell".to_owned(), verdict)
            }
            _ => {
                applied.leave();
                (Ending::NotFixed, seen.verdict.words().to_owned(), verdict)
            }
        }
    }

    /// Whether somebody wants to keep what was edited. Whoever ordered it is still there to say so;
    /// when nobody is, it is taken back.
    async fn is_kept(&mut self) -> bool {
        let end = Instant::now() + KEEP;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.say.say(Progress::Keeping { secs: left.as_secs() });
            let pause = left.min(Duration::from_secs(1));
            match timeout(pause, self.orders.recv()).await {
                Ok(Some(Order::Keep)) => return true,
                Ok(Some(Order::Revert) | None) => return false,
                Ok(Some(_)) | Err(_) => {}
            }
        }
    }

    async fn roll_back(
        &mut self,
        applied: Mutation<Applied>,
        why: &str,
        permit: &Permit,
        mut eyes: Eyes,
    ) -> Outcome {
        let plan = applied.plan().clone();
        let began = clock::now();
        match applied.roll_back(permit, &eyes.model.case, &self.setup.tools).await {
            Ok(_) => {
                drop(history::forget(&self.setup.tools, self.sequence));
                let verdict = self.runs_again(plan.reloads(), began, &mut eyes).await;
                self.say.say(Progress::RolledBack { why: why.to_owned(), verdict });
                (Ending::RolledBack, format!("taken back: {why}"), Some(verdict))
            }
            Err(stuck) => {
                let by_hand = stuck.left().iter().map(|undo| undo.by_hand(&self.setup.tools));
                let by_hand: Vec<String> = by_hand.collect();
                let why = format!("{why}; it could not be taken back: {}", stuck.why());
                self.say.say(Progress::NeedsHuman { why: why.clone(), by_hand });
                (Ending::NeedsHuman, why, None)
            }
        }
    }
}
