//! How things stood before an action.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diagnosis::Diagnosis,
    evidence::{CaseFile, LogFact},
    observation::{GatewayId, Moment, Wall},
    verification::{Expectation, Proof, ProofAnswer},
};

use super::{outcome::Outcome, proofs::proven, sight::Sight};

/// How things stood before the action: what "better" and "worse" are measured against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Addresses that took connections, each with the gateway that asks them. Their lines may be
    /// others once the configuration was edited.
    pub(super) up: BTreeSet<(GatewayId, String)>,
    /// Gateways that had workers.
    pub(super) running: BTreeSet<GatewayId>,
    /// Causes that were named, with whom they concerned.
    pub(super) named: BTreeSet<(String, String)>,
    /// Clauses, by index, that held already.
    pub(super) held: BTreeSet<usize>,
    /// Requests, by index, that were answered well already.
    pub(super) answered: BTreeSet<usize>,
    /// Lines with `[emerg]` that a gateway wrote in the second in which this was remembered: logs
    /// have whole seconds.
    pub(super) emerg: BTreeMap<GatewayId, (Moment, usize)>,
}

impl Baseline {
    /// Remembers which requests were answered well before the action.
    #[must_use]
    pub fn with_answers(mut self, expect: &Expectation, answers: &[ProofAnswer]) -> Self {
        let good = |(index, proof): (usize, &Proof)| {
            let held = matches!(proven(index, proof.times, answers, false), Outcome::Holds);
            held.then_some(index)
        };
        self.answered = expect.proofs.iter().enumerate().filter_map(good).collect();
        self
    }
}

/// Remembers how things stand before an action.
pub fn baseline(expect: &Expectation, case: &CaseFile, diagnosis: &Diagnosis) -> Baseline {
    let since = case.now;
    let held = expect.clauses.iter().enumerate();
    let sight =
        Sight { case, diagnosis, since, good_since: since, asks: !expect.proofs.is_empty() };
    let held = held.filter(|(_, c)| sight.clause(c, &Baseline::default()) == Outcome::Holds);
    let up = diagnosis.upstreams.iter().filter(|row| row.state == "up");
    let running = case.gateways.values().filter(|g| !g.workers.is_empty());
    let named = diagnosis.findings.iter();
    Baseline {
        up: up.map(|row| (row.gateway.clone(), row.address.clone())).collect(),
        running: running.map(|g| g.id.clone()).collect(),
        named: named.map(|f| (f.cause.to_owned(), f.subject.whom())).collect(),
        held: held.map(|(at, _)| at).collect(),
        answered: BTreeSet::new(),
        emerg: case
            .gateways
            .keys()
            .map(|id| (id.clone(), (since, emergs(id, case, since).count())))
            .collect(),
    }
}

/// Lines with `[emerg]` of a gateway since the second in which something began.
pub(super) fn emergs<'a>(
    id: &'a GatewayId,
    case: &'a CaseFile,
    since: Moment,
) -> impl Iterator<Item = &'a LogFact> {
    let second = Wall(since.wall.0.div_euclid(1_000_000).saturating_mul(1_000_000));
    case.logs.since(second).filter(move |fact| {
        fact.gateway.as_ref() == Some(id) && fact.text.raw().contains("[emerg]")
    })
}
