//! The watch over what was done.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    action::proof,
    engine::eyes::Eyes,
    host::{gateways, proc},
    observation::{GatewayId, Moment},
    remedy::Progress,
    verification::{Baseline, Clause, Expectation, Judgement, ProofAnswer, Verdict, Watch},
};

use super::run::{Run, Say};

/// Pause between two judgements.
const PULSE: Duration = Duration::from_millis(250);
/// Pause between two rounds of requests until all are answered well, and after that.
const ASK: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(3));
/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest wait for one answer before the action: later ones count as none.
const BEFORE: Duration = Duration::from_millis(700);
/// A gateway that has no worker so long after a reload has lost them.
const WORKERS: Duration = Duration::from_millis(600);

/// What the watch came to.
pub(super) struct Seen {
    pub(super) judgement: Judgement,
    pub(super) verdict: Verdict,
}

impl<S: Say> Run<'_, S> {
    /// Watches until there is a verdict.
    pub(super) async fn watch(
        &mut self,
        expect: &Expectation,
        before: Baseline,
        began: Moment,
        eyes: &mut Eyes,
    ) -> Seen {
        let mut watch = Watch::new(expect.clone(), before, began);
        let mut answers: Vec<ProofAnswer> = Vec::new();
        let mut next_ask = Instant::now();
        let mut told = u64::MAX;
        let reloaded: Vec<GatewayId> = expect
            .clauses
            .iter()
            .filter_map(|clause| match clause {
                Clause::NewWorkers { gateway } => Some(gateway.clone()),
                _ => None,
            })
            .collect();
        let started = Instant::now();
        loop {
            eyes.watch(PULSE).await;
            // Without a worker the port still takes connections, and a request would only hang.
            if Instant::now() >= next_ask && !reloaded.iter().any(|g| idle(g, eyes)) {
                let good = ask(expect, eyes, &mut answers).await;
                next_ask = Instant::now() + if good { ASK.1 } else { ASK.0 };
            }
            eyes.settle();
            let (case, diagnosis) = (&eyes.model.case, &eyes.model.diagnosis);
            let mut judgement = watch.look(case, diagnosis, &answers);
            let lost = started.elapsed() >= WORKERS && reloaded.iter().any(|g| idle(g, eyes));
            if lost {
                judgement.verdict = Some(Verdict::Worse);
            }
            let secs = case.now.boot.secs_since(began.boot);
            if judgement.verdict.is_none() && secs > watch.patience_secs().saturating_mul(2) {
                judgement = watch.close(case, diagnosis, &answers);
            }
            if let Some(verdict) = judgement.verdict {
                return Seen { judgement, verdict };
            }
            if secs != told {
                told = secs;
                self.say.say(Progress::Watching { judgement, secs });
            }
        }
    }
}

/// Asks every request once; whether all were answered well.
async fn ask(expect: &Expectation, eyes: &Eyes, answers: &mut Vec<ProofAnswer>) -> bool {
    let mut good = true;
    for (index, one) in expect.proofs.iter().enumerate() {
        let answer = proof::ask(one, index, &eyes.model.case, ANSWER).await;
        good &= answer.is_good();
        answers.push(answer);
    }
    good && answers.len() >= expect.proofs.iter().map(|p| usize::from(p.times)).sum()
}

/// Asks before anything is done, each request until it is not answered well: what is answered well
/// already proves nothing afterwards.
pub(super) async fn ask_before(expect: &Expectation, eyes: &Eyes) -> Vec<ProofAnswer> {
    let mut answers = Vec::new();
    for (index, one) in expect.proofs.iter().enumerate() {
        for _ in 0..one.times {
            let answer = proof::ask(one, index, &eyes.model.case, BEFORE).await;
            let good = answer.is_good();
            answers.push(answer);
            if !good {
                break;
            }
        }
    }
    answers
}

/// Whether a gateway's master lives and has no worker left, asked directly: the sources look less
/// often. A master that a restart has replaced meanwhile has lost nothing.
fn idle(gateway: &GatewayId, eyes: &Eyes) -> bool {
    let master = eyes.model.case.gateways.get(gateway).and_then(|g| g.master);
    master.is_some_and(|master| proc::stat(master).is_ok() && gateways::workers(master).is_empty())
}
