//! The watch over one action.

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Diagnosis, UpstreamRow},
    evidence::CaseFile,
    observation::{GatewayId, Moment},
    verification::{Clause, Expectation, Judged, Judgement, Proof, ProofAnswer, Verdict},
};

use super::{
    baseline::Baseline,
    outcome::{Outcome, unseen},
    proofs::{is_good, proven},
    sight::Sight,
};

/// The watch over one action: remembers since when everything holds.
#[derive(Clone, Debug)]
pub struct Watch {
    pub(super) expect: Expectation,
    pub(super) before: Baseline,
    since: Moment,
    holding: Option<Moment>,
    /// What must not change while the watch goes on: main processes and restart counters.
    pinned: BTreeMap<String, u64>,
}

impl Watch {
    /// Begins when the action has been carried out; `since` is when it began.
    pub const fn new(expect: Expectation, before: Baseline, since: Moment) -> Self {
        Self { expect, before, since, holding: None, pinned: BTreeMap::new() }
    }

    /// Looks once. The case must be complete as of its own time; no clock is read here.
    pub fn look(
        &mut self,
        case: &CaseFile,
        diagnosis: &Diagnosis,
        answers: &[ProofAnswer],
    ) -> Judgement {
        let now = case.now;
        let asks = !self.expect.proofs.is_empty();
        // Where nobody asks, failures count from the moment at which everything else held.
        let good_since = if asks { self.first_good(answers) } else { self.holding };
        let good_since = good_since.unwrap_or(now);
        let sight = Sight { case, diagnosis, since: self.since, good_since, asks };
        let mut promises: Vec<Judged> = Vec::new();
        for one in &self.expect.clauses {
            let outcome = sight.clause(one, &self.before);
            promises.push(Judged { promise: one.words(), outcome });
        }
        for (index, proof) in self.expect.proofs.iter().enumerate() {
            let outcome = self.proof(index, proof, answers);
            promises.push(Judged { promise: proof.words(), outcome });
        }
        let settled = promises.iter().all(|p| matches!(p.outcome, Outcome::Holds));
        let moved = self.moved(case);
        if !settled || moved {
            self.holding = None;
        } else if self.holding.is_none() {
            self.holding = Some(now);
        }
        let holding_secs = self.holding.map(|since| now.boot.secs_since(since.boot));
        let verdict = self.verdict(&promises, case, diagnosis, holding_secs);
        Judgement { promises, verdict, holding_secs }
    }

    /// The verdict when nothing more is waited for, because the time is up.
    pub fn close(
        &mut self,
        case: &CaseFile,
        diagnosis: &Diagnosis,
        answers: &[ProofAnswer],
    ) -> Judgement {
        let mut judgement = self.look(case, diagnosis, answers);
        let promises = &judgement.promises;
        judgement.verdict =
            judgement.verdict.or_else(|| Some(self.at_the_end(promises, case, diagnosis)));
        judgement
    }

    /// Seconds from the action to the moment at which waiting ends.
    pub const fn patience_secs(&self) -> u64 {
        self.expect.within_secs.saturating_add(self.expect.stable_secs)
    }

    /// Whether it is the gateway itself that is to work again: then its own answers count.
    fn is_of_gateway(&self) -> bool {
        self.expect.clauses.iter().any(|clause| matches!(clause, Clause::GatewayRuns { .. }))
    }

    /// When the answers that are needed began to be good and stayed so.
    fn first_good(&self, answers: &[ProofAnswer]) -> Option<Moment> {
        let own = self.is_of_gateway();
        let bad = answers.iter().rposition(|a| !is_good(a, own)).map_or(0, |at| at + 1);
        answers.get(bad).map(|a| a.at)
    }

    fn proof(&self, index: usize, proof: &Proof, answers: &[ProofAnswer]) -> Outcome {
        let outcome = proven(index, proof.times, answers, self.is_of_gateway());
        let listens = |clause: &Clause| matches!(clause, Clause::Listens { .. });
        // What was answered well before says something only together with an address that was not.
        if outcome == Outcome::Holds
            && self.before.answered.contains(&index)
            && !self.expect.clauses.iter().any(listens)
        {
            return unseen("it was answered well before too, so that this proves nothing");
        }
        outcome
    }

    fn verdict(
        &self,
        promises: &[Judged],
        case: &CaseFile,
        diagnosis: &Diagnosis,
        holding: Option<u64>,
    ) -> Option<Verdict> {
        if holding.is_some_and(|secs| secs >= self.expect.stable_secs) && !promises.is_empty() {
            return Some(Verdict::Fixed);
        }
        let late = case.now.boot.secs_since(self.since.boot) >= self.expect.within_secs;
        let broken = promises.iter().any(|p| matches!(p.outcome, Outcome::Fails(_)));
        if broken || (late && holding.is_none()) {
            return Some(self.at_the_end(promises, case, diagnosis));
        }
        None
    }

    fn at_the_end(&self, promises: &[Judged], case: &CaseFile, diagnosis: &Diagnosis) -> Verdict {
        if self.is_worse(case, diagnosis) {
            return Verdict::Worse;
        }
        let holds =
            |at: usize| promises.get(at).is_some_and(|p| matches!(p.outcome, Outcome::Holds));
        let open =
            promises.iter().any(|p| matches!(p.outcome, Outcome::Fails(_) | Outcome::Waits(_)));
        let unseen = promises.iter().any(|p| matches!(p.outcome, Outcome::Unseen(_)));
        if (unseen && !open) || promises.is_empty() {
            return Verdict::CannotTell;
        }
        let gained = (0..promises.len()).any(|at| holds(at) && !self.before.held.contains(&at));
        if gained { Verdict::Improved } else { Verdict::NotFixed }
    }

    /// Whether something that worked before does not now.
    fn is_worse(&self, case: &CaseFile, diagnosis: &Diagnosis) -> bool {
        let down = |(gateway, address): &(GatewayId, String)| {
            let of = |row: &&UpstreamRow| row.gateway == *gateway && row.address == *address;
            diagnosis.upstreams.iter().filter(of).any(|row| row.state == "down")
        };
        let idle = |id: &GatewayId| case.gateways.get(id).is_some_and(|g| g.workers.is_empty());
        self.before.up.iter().any(down) || self.before.running.iter().any(idle)
    }

    /// Whether a process that the watch relies on was replaced since it was first seen.
    fn moved(&mut self, case: &CaseFile) -> bool {
        let mut moved = false;
        for one in &self.expect.clauses {
            let (key, value) = match one {
                Clause::UnitRuns { unit } => {
                    let Some(seen) = case.units.get(unit) else { continue };
                    (unit.to_string(), seen.exec_start.map_or(0, |at| at.0.unsigned_abs()))
                }
                Clause::ContainerRuns { container, .. } => {
                    let Some(seen) = case.containers.get(container) else { continue };
                    (
                        container.as_str().to_owned(),
                        seen.started.map_or(0, |at| at.0.unsigned_abs()),
                    )
                }
                Clause::ProgramRuns { program } => {
                    let Some((_, seen)) = case.program(program) else { continue };
                    (program.to_string(), seen.started.map_or(0, |at| at.0.unsigned_abs()))
                }
                _ => continue,
            };
            let before = self.pinned.insert(key, value);
            moved |= before.is_some_and(|before| before != value);
        }
        moved
    }
}

/// Holds a prediction against a case at one moment, without the memory of a [`Watch`].
pub fn judge(
    expect: &Expectation,
    case: &CaseFile,
    diagnosis: &Diagnosis,
    since: Moment,
    answers: &[ProofAnswer],
) -> Judgement {
    Watch::new(expect.clone(), Baseline::default(), since).look(case, diagnosis, answers)
}
