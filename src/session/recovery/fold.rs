//! What the process that carries out says, folded into the run.

use crate::{
    remedy::{Ending, Order, Progress},
    session::{Effect, Layer, Model, Place},
    verification::Verdict,
};

use super::{Arming, Past, Purpose, Question, Run, StepState};

/// Checks, diffs and lines that are kept; what comes beyond is a fault of the other process.
const CHECKS: usize = 64;
const FILES: usize = 16;
const LINES: usize = 2_000;

/// Takes one word of the process that carries out.
pub(in crate::session) fn progress(model: &mut Model, progress: &Progress) -> Vec<Effect> {
    let ticket = model.recovery.ticket();
    let Some(run) = model.recovery.run.as_mut().filter(|run| run.ending.is_none()) else {
        return Vec::new();
    };
    let mut effects = vec![Effect::Draw];
    take(run, progress, ticket);
    if let Progress::Keeping { .. } = progress
        && run.verdict == Some(Verdict::Fixed)
        && !run.decided
    {
        run.decided = true;
        effects.push(Effect::Send(Order::Keep));
    }
    if let Progress::Judged { verdict: Verdict::Fixed, .. } = progress {
        let repaired = run.plan.expect.proven();
        model.proved(repaired);
    }
    if let Progress::End { ending } = progress {
        ended(model, *ending);
        // Whoever looks at the record now should see what has just been added to it.
        if matches!(model.view.here(), Place::Audit | Place::Timeline) {
            effects.push(Effect::ReadAudit);
        }
    }
    effects
}

/// The process that carries out is gone without having ended.
pub(in crate::session) fn lost(model: &mut Model, why: &str) -> Vec<Effect> {
    let Some(run) = model.recovery.run.as_mut().filter(|run| run.ending.is_none()) else {
        return Vec::new();
    };
    let ending = if run.confirmed {
        let why = format!("the process that carries out was lost: {why}");
        let by_hand = vec!["gatemedic audit".to_owned()];
        run.needs_human = Some((why, by_hand));
        Ending::NeedsHuman
    } else {
        let why = format!("the process that would carry it out did not answer: {why}");
        run.refusal = Some((why, by_hand(run)));
        Ending::Refused
    };
    ended(model, ending);
    vec![Effect::Draw]
}

/// The commands of a plan, as a person would type them.
fn by_hand(run: &Run) -> Vec<String> {
    run.plan
        .steps
        .iter()
        .flat_map(crate::remedy::Action::commands)
        .map(|c| crate::remedy::spoken(&c))
        .collect()
}

fn take(run: &mut Run, progress: &Progress, ticket: u64) {
    match progress {
        // The plan is known here: it was this session that asked, or its past that tells.
        Progress::Checked { check } if run.checks.len() < CHECKS => run.checks.push(check.clone()),
        Progress::Diff { file, lines } if run.diffs.len() < FILES => {
            let lines = lines.iter().take(LINES).cloned().collect();
            run.diffs.push((file.clone(), lines));
        }
        // A question that has been answered cannot be asked again in the same run.
        Progress::Ready { digest, nonce, type_name } if !run.confirmed => {
            run.question = Some(Question {
                digest: *digest,
                nonce: nonce.clone(),
                type_name: type_name.clone(),
                typed: String::new(),
                arming: Arming::Unseen(ticket),
            });
        }
        Progress::Ready { .. }
        | Progress::Checked { .. }
        | Progress::Diff { .. }
        | Progress::TakesBack { .. } => {}
        Progress::Refused { why, by_hand } => {
            run.question = None;
            run.refusal = Some((why.clone(), by_hand.clone()));
        }
        Progress::Busy { who, since } => run.busy = Some((who.clone(), *since)),
        Progress::Recorded { sequence } => run.sequence = Some(*sequence),
        Progress::Captured { folder } => run.captured = Some(folder.clone()),
        Progress::Begins { step } => {
            if let Some(state) = run.steps.get_mut(*step) {
                *state = StepState::Begun;
            }
        }
        Progress::Done { step, words } => {
            if let Some(state) = run.steps.get_mut(*step) {
                *state = StepState::Done(words.clone());
            }
        }
        Progress::Watching { judgement, secs } => {
            run.judgement = Some(judgement.clone());
            run.secs = *secs;
        }
        Progress::Judged { judgement, verdict } => {
            run.judgement = Some(judgement.clone());
            run.verdict = Some(*verdict);
        }
        Progress::Keeping { secs } => {
            run.keeping = Some(*secs);
            run.keep.get_or_insert(Arming::Unseen(ticket));
        }
        Progress::RolledBack { why, verdict } => run.rolled_back = Some((why.clone(), *verdict)),
        Progress::NeedsHuman { why, by_hand } => {
            run.needs_human = Some((why.clone(), by_hand.clone()));
        }
        Progress::End { ending } => run.ending = Some(*ending),
    }
}

/// Writes a run into the list of those that are over. It stays open until the person closes it.
fn ended(model: &mut Model, ending: Ending) {
    let at = model.case.now.wall;
    let Some(run) = model.recovery.run.as_mut() else { return };
    run.ending = Some(ending);
    let past = Past {
        plan: run.plan.clone(),
        undo: run.purpose == Purpose::Undo,
        sequence: run.sequence,
        at,
        ending,
        verdict: run.verdict,
    };
    let was_done = run.confirmed;
    if past.undo && past.plan.steps.is_empty() && ending == Ending::Verified {
        model.broken_off.clear();
    }
    let saved = ending == Ending::Verified;
    let looked_at = model.view.layers.iter().any(|l| matches!(l, Layer::Confirm | Layer::Run));
    let written = model.recovery.run.as_ref().is_some_and(|run| model.writes_draft(run));
    if saved && written {
        model.close_editor();
    }
    if was_done {
        model.recovery.remember(past.clone());
        model.wizard_heard(&past);
    }
    // Nobody waits for the end of what was refused or given up in the background.
    if !looked_at && !was_done {
        model.recovery.run = None;
    }
}
