//! Answers to the requests that prove an action.

use crate::verification::ProofAnswer;

use super::outcome::{Outcome, unseen, waits};

/// Whether an answer is what is needed; `own` says that the gateway's own will do.
pub(super) const fn is_good(answer: &ProofAnswer, own: bool) -> bool {
    answer.is_good() || (own && answer.is_gateways_own())
}

pub(super) fn proven(index: usize, times: u8, answers: &[ProofAnswer], own: bool) -> Outcome {
    let mine: Vec<&ProofAnswer> = answers.iter().filter(|a| a.proof == index).collect();
    let good = mine.iter().rev().take_while(|a| is_good(a, own)).count();
    if good >= usize::from(times) {
        return Outcome::Holds;
    }
    match mine.last() {
        Some(last) if is_good(last, own) => Outcome::Waits(format!("{good} of {times} so far")),
        Some(last) => match (last.status, &last.failure) {
            (Some(status), _) if last.is_gateways_own() => unseen(&format!(
                "the gateway answered {status} by itself: nothing behind it was asked"
            )),
            (Some(status), _) => waits(format!("the last answer was {status}")),
            (None, Some(why)) => waits(format!("no answer: {why}")),
            (None, None) => waits("no answer"),
        },
        None => waits("not asked yet"),
    }
}
