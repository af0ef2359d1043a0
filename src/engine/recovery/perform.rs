//! After the yes: on record, saved, done, judged, kept or taken back.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{
    action::{
        Applied, BackedUp, Confirmation, Failure, Mutation, Permit, Preflighted,
        audit::{What, Why},
        capture,
        hands::Undo,
        history::{self, Deed},
        journal,
    },
    engine::eyes::Eyes,
    host::clock,
    observation::Text,
    remedy::{Action, Check, Ending, Guard, Order, Plan, Progress},
    verification::{Verdict, baseline},
};

use super::{
    run::{Run, Say},
    watch::{Seen, ask_before},
};

/// How long a word about what was done is waited for before it is taken back.
const KEEP: Duration = Duration::from_mins(1);

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
        if let Err(ending) = self.lock(permit, &plan.words(), &plan) {
            return ending;
        }
        let ending = Box::pin(self.act_alone(mutation, yes, permit)).await;
        self.lock = None;
        ending
    }

    async fn act_alone(
        &mut self,
        mutation: Mutation<Preflighted>,
        yes: Confirmation,
        permit: &Permit,
    ) -> Ending {
        let plan = mutation.plan().clone();
        journal::strike_untouched(permit, &self.setup.tools);
        let evidence = self.evidence(&plan);
        let (what, why) = (What::of(&plan, mutation.diff()), Why::of(&plan, &evidence));
        let record = match self.record(permit, what, why) {
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
                Box::pin(self.apply(saved, permit)).await
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
        let mut own = findings.filter(|f| f.cause == plan.cause && f.subject.whom() == plan.whom);
        let all = own.next().map(|finding| finding.evidence.as_slice()).unwrap_or_default();
        all.iter().map(|evidence| Text::new(&evidence.what)).collect()
    }

    async fn apply(&mut self, saved: Mutation<BackedUp>, permit: &Permit) -> Outcome {
        let plan = saved.plan().clone();
        let Some(mut eyes) = self.eyes.take() else {
            return (Ending::Refused, "no evidence".to_owned(), None);
        };
        eyes.settle();
        let answers = ask_before(&plan.expect, &eyes).await;
        let before = baseline(&plan.expect, &eyes.model.case, &eyes.model.diagnosis);
        let before = before.with_answers(&plan.expect, &answers);
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
            return Box::pin(self.failed(applied, &failure, permit, eyes)).await;
        }
        if let Err(failure) = kept {
            let words = format!("it could not be noted how this is taken back: {failure}");
            self.say.say(Progress::Checked { check: Check::note(Guard::Writable, words) });
        }
        if let Some(lock) = &mut self.lock {
            lock.note("verifying");
        }
        let seen = self.watch(&plan.expect, before, began, &mut eyes).await;
        self.say.say(Progress::Judged { judgement: seen.judgement.clone(), verdict: seen.verdict });
        Box::pin(self.conclude(applied, seen, permit, eyes)).await
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
        let left = applied.undo();
        let half = left_half(failure, applied.stopped_at());
        let untouched = applied.is_untouched() && half.is_none();
        applied.leave();
        if untouched {
            self.say.say(Progress::Refused { why: why.clone(), by_hand: Vec::new() });
            return (Ending::Refused, why, None);
        }
        // It is not as it was: that is no refusal, and what stays is said.
        let by_hand: Vec<String> =
            left.iter().map(|undo| undo.by_hand(&self.setup.tools)).collect();
        let why = if by_hand.is_empty() {
            why
        } else {
            format!("{why}; what was done before that stays, until it is taken back")
        };
        self.say.say(Progress::NeedsHuman { why: why.clone(), by_hand });
        match half {
            Some(Verdict::CannotTell) => (Ending::CannotTell, why, half),
            Some(Verdict::Worse) => (Ending::NeedsHuman, why, None),
            _ => (Ending::NotFixed, why, Some(Verdict::NotFixed)),
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
        let rest: Vec<Undo> = applied.undo().into_iter().filter(|undo| !undo.is_edit()).collect();
        let began = clock::now();
        match applied.roll_back(permit, &eyes.model.case, &self.setup.tools).await {
            Ok(_) => {
                let why = self.keep_rest(&plan, rest, why);
                let verdict = self.runs_again(plan.reloads(), began, &mut eyes).await;
                self.say.say(Progress::RolledBack { why: why.clone(), verdict });
                (Ending::RolledBack, format!("taken back: {why}"), Some(verdict))
            }
            Err(stuck) => {
                let left = stuck.left();
                let by_hand: Vec<String> =
                    left.iter().map(|undo| undo.by_hand(&self.setup.tools)).collect();
                let (why, by_hand) = if left.is_empty() {
                    let why = self.keep_rest(&plan, rest, why);
                    let cause = stuck.why();
                    let why = format!("{why}; the files are as they were, but: {cause}");
                    (why, start_again(&plan, &eyes))
                } else {
                    (format!("{why}; it could not be taken back: {}", stuck.why()), by_hand)
                };
                self.say.say(Progress::NeedsHuman { why: why.clone(), by_hand });
                (Ending::NeedsHuman, why, None)
            }
        }
    }

    /// The edits of a deed are taken back; what else it did can still be, and that is said.
    fn keep_rest(&self, plan: &Plan, rest: Vec<Undo>, why: &str) -> String {
        if rest.is_empty() {
            drop(history::forget(&self.setup.tools, self.sequence));
            return why.to_owned();
        }
        let by_hand: Vec<String> =
            rest.iter().map(|undo| undo.by_hand(&self.setup.tools)).collect();
        drop(history::keep(&self.setup.tools, &Deed::new(self.sequence, plan.clone(), rest)));
        format!("{why}; what else was done stays, until: {}", by_hand.join("; "))
    }
}

/// What a step that failed may have left behind: a manager that took the order may have stopped what
/// it was to restart, what is late may still come, and a file may be half written.
const fn left_half(failure: &Failure, step: Option<&Action>) -> Option<Verdict> {
    match (failure, step) {
        (Failure::Late(_), _) => Some(Verdict::CannotTell),
        (Failure::Refused(_), Some(step)) if step.interrupts() => Some(Verdict::NotFixed),
        (Failure::Human(_), Some(Action::EditFile(_) | Action::LimitUnit { .. })) => {
            Some(Verdict::Worse)
        }
        _ => None,
    }
}

/// What brings gateways up again that could not be told to read their old configuration.
fn start_again(plan: &Plan, eyes: &Eyes) -> Vec<String> {
    let gateways = plan.reloads();
    let units = gateways.iter().filter_map(|id| eyes.model.case.gateways.get(id)?.unit.as_ref());
    units.map(|unit| format!("systemctl restart {unit}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::UnitName;

    #[test]
    fn what_may_have_stopped_or_half_written_something_is_no_refusal() {
        let unit = || UnitName::new("shop.service").unwrap();
        let (start, restart) =
            (Action::StartUnit { unit: unit() }, Action::RestartUnit { unit: unit() });
        let limit = Action::LimitUnit { unit: unit(), settings: Vec::new() };
        let refused = Failure::Refused("the job failed".to_owned());
        assert_eq!(left_half(&refused, Some(&start)), None);
        assert_eq!(left_half(&refused, Some(&restart)), Some(Verdict::NotFixed));
        let denied = Failure::Denied("not permitted".to_owned());
        assert_eq!(left_half(&denied, Some(&restart)), None);
        let late = Failure::Late("no answer".to_owned());
        assert_eq!(left_half(&late, Some(&start)), Some(Verdict::CannotTell));
        let human = Failure::Human("it could not be taken back".to_owned());
        assert_eq!(left_half(&human, Some(&limit)), Some(Verdict::Worse));
    }
}
