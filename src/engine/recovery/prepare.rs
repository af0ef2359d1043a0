//! Before the yes: is it still called for, what do the guards say, what would an edit change.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    action::{
        Mutation, Preflighted, Question, edit,
        guards::{self, Ground},
    },
    engine::eyes::Eyes,
    host::executor,
    remedy::{Action, Check, Ending, FileEdit, Guard, Plan, Progress, Regard},
};

use super::{
    confine::outside,
    run::{LOOK, LOOKS_ONLY, Run, Say},
};

/// A look that is older than this is taken again before acting.
const FRESH: Duration = Duration::from_secs(5);
/// Further looks before a cause that is not seen is said to be gone, and the pause between them.
const PATIENCE: u8 = 4;
const AGAIN: Duration = Duration::from_millis(500);

impl<S: Say> Run<'_, S> {
    /// Looks, asks, and acts on a yes.
    pub(super) async fn prepare(&mut self, plan: Plan, rehearsal: bool) -> Ending {
        if let Some(why) = outside(&plan, self.setup.options.scope.as_ref()) {
            return self.refused(&plan, why);
        }
        let mut eyes = Eyes::open(&self.setup.options);
        eyes.look(LOOK).await;
        if let Some(why) = outdated_for_long(&plan, &mut eyes).await {
            return self.refused(&plan, why);
        }
        let ready = self.preflight(&plan, &eyes).await;
        let (mutation, question, shown) = match ready {
            Ok(ready) => ready,
            Err(ending) => return ending,
        };
        self.ask(&question);
        if rehearsal {
            return Ending::Rehearsed;
        }
        let Some(permit) = self.setup.permit.take() else {
            return self.refused(&plan, LOOKS_ONLY.to_owned());
        };
        let asked = Instant::now();
        let yes = match self.answer(question, &mut eyes).await {
            Ok(yes) => yes,
            Err(why) => return self.refused(&plan, why),
        };
        if asked.elapsed() > FRESH {
            // What was shown may have changed while the person read it.
            eyes.look(LOOK).await;
            if let Some(why) = outdated_for_long(&plan, &mut eyes).await {
                return self.refused(&plan, why);
            }
            let again = self.checks(&plan, &eyes).await;
            if let Some(why) = unshown(&shown, &again) {
                return self.refused(&plan, why);
            }
        }
        self.eyes = Some(eyes);
        Box::pin(self.act(mutation, yes, &permit)).await
    }

    async fn checks(&mut self, plan: &Plan, eyes: &Eyes) -> Vec<Check> {
        let ground = Ground {
            plan,
            case: &eyes.model.case,
            diagnosis: &eyes.model.diagnosis,
            tools: &self.setup.tools,
        };
        let mut all: Vec<Check> = Vec::new();
        for step in &plan.steps {
            for guard in step.guards() {
                for check in guards::look(guard, step, ground).await {
                    if !all.contains(&check) {
                        all.push(check);
                    }
                }
            }
        }
        all
    }

    async fn preflight(
        &mut self,
        plan: &Plan,
        eyes: &Eyes,
    ) -> Result<(Mutation<Preflighted>, Question, Vec<Check>), Ending> {
        let edits: Vec<&FileEdit> = plan.steps.iter().filter_map(edit_of).collect();
        let rehearsals = match edit::rehearse_all(&edits) {
            Ok(rehearsals) => rehearsals,
            Err(failure) => return Err(self.refused(plan, failure.to_string())),
        };
        for rehearsal in &rehearsals {
            self.say.say(Progress::Diff {
                file: rehearsal.file().clone(),
                lines: rehearsal.diff().to_vec(),
            });
        }
        let checks = self.checks(plan, eyes).await;
        for check in &checks {
            self.say.say(Progress::Checked { check: check.clone() });
        }
        let nonce = executor::nonce()
            .map_err(|error| self.refused(plan, format!("no random numbers: {error}")))?;
        Mutation::new(plan.clone())
            .preflight(&checks, rehearsals, nonce)
            .map(|(mutation, question)| (mutation, question, checks))
            .map_err(|check| self.refused(plan, check.words))
    }
}

const fn edit_of(step: &Action) -> Option<&FileEdit> {
    match step {
        Action::EditFile(edit) => Some(edit),
        _ => None,
    }
}

/// Why a plan is no longer what the host calls for.
fn outdated(plan: &Plan, eyes: &Eyes) -> Option<String> {
    if plan.cause.is_empty() {
        return None;
    }
    let findings = &eyes.model.diagnosis.findings;
    let seen = findings.iter().any(|f| f.cause == plan.cause && f.subject.whom() == plan.whom);
    (!seen).then(|| format!("{} is no longer seen here: look again", plan.cause))
}

/// As [`outdated`]. A host in trouble is slow, and what comes and goes is not gone: it is looked longer
/// before that is said.
async fn outdated_for_long(plan: &Plan, eyes: &mut Eyes) -> Option<String> {
    for _ in 0..PATIENCE {
        outdated(plan, eyes)?;
        eyes.watch(AGAIN).await;
        eyes.look(LOOK).await;
    }
    outdated(plan, eyes)
}

/// What speaks against a yes to what was shown, when it is looked at once more: a refusal, more at
/// stake, or another change that the reload would apply.
fn unshown(shown: &[Check], again: &[Check]) -> Option<String> {
    if let Some(check) = again.iter().find(|check| check.regard == Regard::Refused) {
        return Some(check.words.clone());
    }
    let was_typed = shown.iter().any(|check| check.regard == Regard::Typed);
    let new = again.iter().find(|check| match check.regard {
        Regard::Typed => !was_typed,
        Regard::Note => check.guard == Guard::Drift && !shown.contains(check),
        _ => false,
    });
    new.map(|check| format!("this was not shown when the yes was asked for: {}", check.words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_does_not_cover_what_came_up_after_it_was_asked_for() {
        let drift = |file: &str| {
            Check::note(Guard::Drift, format!("this reload will also apply: {file}, changed 14:00"))
        };
        let flight = |n: u32| Check::note(Guard::InFlight, format!("{n} connections are cut off"));
        let many = Check::typed(Guard::InFlight, "50 connections are cut off");
        let shown = [drift("a"), flight(3)];
        assert_eq!(unshown(&shown, &[drift("a"), flight(5)]), None);
        assert!(unshown(&shown, &[drift("b"), flight(3)]).unwrap().contains("b, changed"));
        assert!(unshown(&shown, &[drift("a"), many.clone()]).unwrap().contains("50"));
        assert_eq!(unshown(std::slice::from_ref(&many), std::slice::from_ref(&many)), None);
        assert!(unshown(&shown, &[Check::refused(Guard::Unit, "masked")]).is_some());
    }
}
