//! Holds a prediction against what is seen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    diagnosis::{Diagnosis, FindingSubject, UpstreamRow},
    evidence::{CaseFile, LogFact},
    observation::{
        Address, Container, ContainerState, Gateway, GatewayId, Health, Moment, ProbeOutcome,
        ProgramId, SourceId, Text, Unit, UnitActive, UnitName, Wall,
    },
};

use super::{Clause, Expectation, Judged, Judgement, Proof, ProofAnswer, Verdict};

/// What became of one promise so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "why", rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds now.
    Holds,
    /// It does not hold yet.
    Waits(String),
    /// It is broken and waiting will not mend it.
    Fails(String),
    /// What would tell is out of sight.
    Unseen(String),
}

/// How things stood before the action: what "better" and "worse" are measured against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Addresses that took connections, each with the gateway that asks them. Their lines may be
    /// others once the configuration was edited.
    up: BTreeSet<(GatewayId, String)>,
    /// Gateways that had workers.
    running: BTreeSet<GatewayId>,
    /// Causes that were named, with whom they concerned.
    named: BTreeSet<(String, String)>,
    /// Clauses, by index, that held already.
    held: BTreeSet<usize>,
    /// Requests, by index, that were answered well already.
    answered: BTreeSet<usize>,
    /// Lines with `[emerg]` that a gateway wrote in the second in which this was remembered: logs
    /// have whole seconds.
    emerg: BTreeMap<GatewayId, (Moment, usize)>,
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
        named: named.map(|f| (f.cause.to_owned(), whom(&f.subject))).collect(),
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
fn emergs<'a>(
    id: &'a GatewayId,
    case: &'a CaseFile,
    since: Moment,
) -> impl Iterator<Item = &'a LogFact> {
    let second = Wall(since.wall.0.div_euclid(1_000_000).saturating_mul(1_000_000));
    case.logs.since(second).filter(move |fact| {
        fact.gateway.as_ref() == Some(id) && fact.text.raw().contains("[emerg]")
    })
}

/// Whom a finding concerns, as one word that stays the same while the evidence grows.
pub(crate) fn whom(subject: &FindingSubject) -> String {
    let unit = subject.unit.as_ref().map(ToString::to_string);
    let program = || subject.program.as_ref().map(ToString::to_string);
    let container = || subject.container.as_ref().map(|(id, _)| id.to_string());
    let address = || subject.address.as_ref().map(ToString::to_string);
    let gateway = || subject.gateway.as_ref().map(ToString::to_string);
    unit.or_else(program).or_else(container).or_else(address).or_else(gateway).unwrap_or_default()
}

/// The watch over one action: remembers since when everything holds.
#[derive(Clone, Debug)]
pub struct Watch {
    expect: Expectation,
    before: Baseline,
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

/// Whether an answer is what is needed; `own` says that the gateway's own will do.
const fn is_good(answer: &ProofAnswer, own: bool) -> bool {
    answer.is_good() || (own && answer.is_gateways_own())
}

fn proven(index: usize, times: u8, answers: &[ProofAnswer], own: bool) -> Outcome {
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

fn runs(id: &ProgramId, case: &CaseFile) -> Outcome {
    if case.blind.contains_key(&(SourceId::Managers, id.home.clone())) {
        return unseen(&format!("{} does not answer", id.manager));
    }
    match case.program(id).map(|(_, program)| program) {
        Some(program) if program.is_up() && program.up == program.wanted => Outcome::Holds,
        Some(program) => waits(format!("{} is {}", id.name, program.state.as_str())),
        None => Outcome::Fails(format!("{} does not know {} any more", id.manager, id.name)),
    }
}

fn waits(why: impl Into<String>) -> Outcome {
    Outcome::Waits(why.into())
}

/// What is looked at.
struct Sight<'a> {
    case: &'a CaseFile,
    diagnosis: &'a Diagnosis,
    since: Moment,
    good_since: Moment,
    /// Whether requests are asked.
    asks: bool,
}

impl Sight<'_> {
    fn clause(&self, clause: &Clause, before: &Baseline) -> Outcome {
        let Self { case, diagnosis, since, good_since, .. } = *self;
        match clause {
            Clause::UnitRuns { unit } => on_unit(unit, case, |seen| match seen.map(|u| u.active) {
                Some(UnitActive::Active) => Outcome::Holds,
                Some(UnitActive::Failed) => waits(format!("{unit} is failed")),
                Some(_) => waits(format!("{unit} is not active yet")),
                None => waits(format!("{unit} is not loaded")),
            }),
            // systemd forgets what is down and has nothing to remember.
            Clause::UnitStopped { unit } => {
                on_unit(unit, case, |seen| match seen.map(|u| u.active) {
                    Some(UnitActive::Inactive | UnitActive::Failed) | None => Outcome::Holds,
                    Some(_) => waits(format!("{unit} is not down yet")),
                })
            }
            Clause::UnitEnabled { unit } => on_unit(unit, case, |seen| match seen {
                Some(seen) if seen.file_state.raw() == "enabled" => Outcome::Holds,
                Some(seen) => waits(format!("its unit file is {}", seen.file_state)),
                None => waits(format!("{unit} is not loaded")),
            }),
            Clause::NotFailed { unit } => {
                on_unit(unit, case, |seen| match seen.map(|u| u.active) {
                    Some(UnitActive::Failed) => waits(format!("{unit} is failed")),
                    _ => Outcome::Holds,
                })
            }
            Clause::OpenFiles { unit, above } => on_unit(unit, case, |seen| {
                let limits = seen.and_then(|u| u.main_pid).and_then(|pid| case.limits.get(&pid));
                match limits.map(|limits| limits.max_open_files) {
                    Some(max) if max > *above => Outcome::Holds,
                    Some(max) => waits(format!("its process may open {max}")),
                    None if case.is_blind(SourceId::Processes) => {
                        unseen("its limits are out of sight")
                    }
                    None => waits("its process has not been seen yet"),
                }
            }),
            Clause::ServiceRuns { project, service } => {
                let of = |c: &&Container| {
                    c.compose.as_ref().is_some_and(|(p, s)| p == project && s == service)
                };
                let all = case.containers.values().filter(of).map(|seen| self.contained(seen));
                let least = |a: Outcome, b: Outcome| if a == Outcome::Holds { a } else { b };
                match all.reduce(least) {
                    Some(outcome) => outcome,
                    None if case.is_blind(SourceId::Docker) => unseen("Docker cannot be asked"),
                    None => waits(format!("there is no container of {service}")),
                }
            }
            Clause::ContainerRuns { container, name } => match case.containers.get(container) {
                Some(seen) => self.contained(seen),
                None if case.is_blind(SourceId::Docker) => unseen("Docker cannot be asked"),
                None => Outcome::Fails(format!("container {name} is gone")),
            },
            Clause::ProgramRuns { program } => runs(program, case),
            Clause::Listens { gateway, address } => {
                listens(gateway, address, case, diagnosis, since)
            }
            Clause::NewWorkers { gateway } => on_gateway(gateway, case, |g| {
                match g.loaded {
                    _ if g.workers.is_empty() => waits("the gateway has no worker"),
                    // Start times of processes are known to a hundredth of a second, wall clocks
                    // differ by less than that.
                    Some(at) if at.since(since.wall).as_millis() > -20 => Outcome::Holds,
                    _ => waits("the workers are the old ones"),
                }
            }),
            Clause::GatewayRuns { gateway } => on_gateway(gateway, case, |g| {
                let none = g.workers.is_empty();
                if none { waits("the gateway has no worker") } else { Outcome::Holds }
            }),
            Clause::NoEmerg { gateway } => {
                let known = before.emerg.get(gateway);
                let (since, known) = known.copied().unwrap_or((since, 0));
                let emerg = emergs(gateway, case, since).nth(known);
                emerg.map_or(Outcome::Holds, |fact| Outcome::Fails(fact.text.to_string()))
            }
            Clause::NoFailures { gateway, addresses } => {
                if !self.asks && hides_failures(gateway, case) {
                    return unseen("the logs that would tell of failures are out of sight");
                }
                no_failures(gateway, addresses, case, good_since)
            }
            Clause::CauseGone { cause, whom: concerned } => {
                let named = diagnosis
                    .findings
                    .iter()
                    .any(|f| f.cause == cause && whom(&f.subject) == *concerned);
                if named { waits(format!("{cause} is still seen")) } else { Outcome::Holds }
            }
        }
    }

    fn contained(&self, seen: &Container) -> Outcome {
        let name = &seen.name;
        match (seen.state, seen.health) {
            (ContainerState::Running, Health::Unhealthy) => {
                waits(format!("container {name} is unhealthy"))
            }
            // The engine waits half a minute for its first check; requests tell sooner.
            (ContainerState::Running, Health::Starting) if !self.asks => {
                unseen(&format!("the health check of {name} has not passed yet"))
            }
            (ContainerState::Running, _) => Outcome::Holds,
            _ => waits(format!("container {name} does not run")),
        }
    }
}

/// Whether no log of a gateway can be read.
fn hides_failures(id: &GatewayId, case: &CaseFile) -> bool {
    let blind = |what: Text| case.blind.contains_key(&(SourceId::Logs, what));
    if ["all", "log files"].into_iter().any(|whole| blind(Text::new(whole))) {
        return true;
    }
    let logs = case.configs.get(id).map(|config| config.logs.as_slice()).unwrap_or_default();
    let hidden = |path: String| blind(Text::new(path));
    !logs.is_empty() && logs.iter().all(|l| hidden(format!("{}{}", l.root.raw(), l.path.raw())))
}

/// A unit that is not seen is not loaded, unless nobody can look.
fn on_unit(
    unit: &UnitName,
    case: &CaseFile,
    look: impl FnOnce(Option<&Unit>) -> Outcome,
) -> Outcome {
    match case.units.get(unit) {
        None if case.is_blind(SourceId::Units) => unseen("systemd cannot be asked"),
        seen => look(seen),
    }
}

fn unseen(why: &str) -> Outcome {
    Outcome::Unseen(why.to_owned())
}

fn on_gateway(id: &GatewayId, case: &CaseFile, look: impl FnOnce(&Gateway) -> Outcome) -> Outcome {
    case.gateways.get(id).map_or_else(|| waits("the gateway is gone"), look)
}

fn listens(
    gateway: &GatewayId,
    address: &Address,
    case: &CaseFile,
    diagnosis: &Diagnosis,
    since: Moment,
) -> Outcome {
    let fresh = case
        .probes
        .iter()
        .filter(|((g, target, _), probe)| g == gateway && target == address && probe.at >= since);
    let mut outcomes = fresh.map(|(_, probe)| probe.value.outcome.clone()).peekable();
    if outcomes.peek().is_some() {
        let connected = outcomes.any(|o| o == ProbeOutcome::Connected);
        return if connected { Outcome::Holds } else { waits(format!("{address} refuses")) };
    }
    let row = diagnosis
        .upstreams
        .iter()
        .find(|row| row.gateway == *gateway && row.address == address.to_string());
    match row.map(|row| row.state) {
        Some("up") => Outcome::Holds,
        Some("unknown") => unseen("whether it listens is out of sight"),
        Some(_) => waits(row.map_or_else(String::new, |row| row.reason.clone())),
        // An edit can take the address out of the configuration, or bring it in later.
        None => waits(format!("{address} is not in the configuration that is loaded")),
    }
}

fn no_failures(
    gateway: &GatewayId,
    addresses: &[Address],
    case: &CaseFile,
    good_since: Moment,
) -> Outcome {
    // Logs have whole seconds: what was written in the second of the first good answer may be from
    // before it.
    let from = good_since.wall.plus_secs(1);
    let line = case.logs.since(from).find(|fact| {
        fact.gateway.as_ref() == Some(gateway)
            && fact.address.as_ref().is_some_and(|a| addresses.contains(a))
    });
    if let Some(fact) = line {
        return waits(fact.text.to_string());
    }
    let entries = case.access.entries.iter();
    let failed = entries.filter(|e| e.gateway == *gateway && e.at >= from && e.status >= 502);
    let named = failed.filter(|e| {
        e.upstream_addr
            .as_ref()
            .is_none_or(|written| addresses.iter().any(|a| written.raw().contains(&a.to_string())))
    });
    match named.count() {
        0 => Outcome::Holds,
        n => waits(format!("{n} requests failed since")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, address, container, gateway_id, name, unit},
        observation::{Boot, LogLine, Origin, ProcessLimits, Program, Seen, UpstreamId},
        verification::{Proof, Speaker},
    };

    const AT: &str = "127.0.0.1:8000";

    fn promise() -> Expectation {
        Expectation {
            within_secs: 15,
            stable_secs: 10,
            clauses: vec![
                Clause::UnitRuns { unit: name("shop.service") },
                Clause::Listens { gateway: gateway_id(), address: address(AT) },
            ],
            proofs: vec![Proof {
                gateway: gateway_id(),
                listen: ([127, 0, 0, 1], 80).into(),
                tls: false,
                host: "shop.lan".into(),
                path: "/".into(),
                times: 3,
            }],
        }
    }

    fn down() -> Host {
        Host::passing_to(AT).unit(unit("shop.service").claims(AT).stopped(600))
    }

    fn up() -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100)
    }

    /// A look so many seconds after the action.
    struct Course {
        watch: Watch,
        began: Moment,
        answers: Vec<ProofAnswer>,
    }

    impl Course {
        fn new() -> Self {
            let before = down();
            let (case, diagnosis) = (before.case(), before.diagnose());
            let base = baseline(&promise(), &case, &diagnosis);
            let began = case.now;
            Self { watch: Watch::new(promise(), base, began), began, answers: Vec::new() }
        }

        fn at(&self, secs: u64) -> Moment {
            let wall = Wall(self.began.wall.0 + i64::try_from(secs).unwrap() * 1_000_000);
            Moment { wall, boot: Boot(self.began.boot.0 + secs * 1_000_000) }
        }

        fn answer(&mut self, secs: u64, status: u16, speaker: Speaker) {
            let at = self.at(secs);
            let answer = ProofAnswer { at, proof: 0, status: Some(status), speaker, failure: None };
            self.answers.push(answer);
        }

        fn look(&mut self, secs: u64, host: &Host) -> Option<Verdict> {
            let mut case = host.case();
            case.now = self.at(secs);
            self.watch.look(&case, &host.diagnose(), &self.answers).verdict
        }
    }

    #[test]
    fn it_is_fixed_only_when_everything_holds_and_goes_on_to_hold() {
        let mut course = Course::new();
        assert_eq!(course.look(1, &down()), None);
        assert_eq!(course.look(2, &up()), None, "nobody has asked yet");
        for secs in 3..6 {
            course.answer(secs, 200, Speaker::Behind);
        }
        assert_eq!(course.look(6, &up()), None, "it must last");
        assert_eq!(course.look(15, &up()), None);
        assert_eq!(course.look(16, &up()), Some(Verdict::Fixed));
    }

    #[test]
    fn a_service_that_comes_up_and_goes_down_again_is_not_fixed() {
        let mut course = Course::new();
        for secs in 1..4 {
            course.answer(secs, 200, Speaker::Behind);
        }
        assert_eq!(course.look(4, &up()), None);
        assert_eq!(course.look(9, &down()), None);
        assert_eq!(course.look(15, &down()), Some(Verdict::Improved));
    }

    #[test]
    fn nothing_that_changes_is_not_fixed() {
        let mut course = Course::new();
        course.answer(2, 502, Speaker::Gateway);
        assert_eq!(course.look(14, &down()), None);
        assert_eq!(course.look(15, &down()), Some(Verdict::NotFixed));
    }

    #[test]
    fn an_error_page_of_the_gateway_is_no_proof_and_one_of_the_application_is() {
        let proven = |status, speaker| {
            let at = Moment::default();
            ProofAnswer { at, proof: 0, status: Some(status), speaker, failure: None }.is_good()
        };
        assert!(!proven(502, Speaker::Gateway) && !proven(404, Speaker::Gateway));
        assert!(proven(404, Speaker::Behind) && !proven(301, Speaker::Gateway));
        assert!(proven(500, Speaker::Behind), "the application answers: another trouble than 502");
    }

    #[test]
    fn what_cannot_be_seen_is_not_called_fixed() {
        let expect = Expectation {
            clauses: vec![Clause::UnitRuns { unit: name("other.service") }],
            within_secs: 0,
            ..Expectation::default()
        };
        let host = down().blind(SourceId::Units);
        let (case, diagnosis) = (host.case(), host.diagnose());
        let mut watch = Watch::new(expect, Baseline::default(), case.now);
        assert_eq!(watch.close(&case, &diagnosis, &[]).verdict, Some(Verdict::CannotTell));
        let nothing = Expectation::default();
        let mut watch = Watch::new(nothing, Baseline::default(), case.now);
        let judgement = watch.close(&case, &diagnosis, &[]);
        assert_ne!(judgement.verdict, Some(Verdict::Fixed));
        assert!(judgement.proof().is_none());
    }

    #[test]
    fn a_redirect_of_the_gateways_own_says_nothing_of_what_is_behind() {
        let mut course = Course::new();
        for secs in 1..4 {
            course.answer(secs, 301, Speaker::Gateway);
        }
        assert_eq!(course.look(14, &up()), None);
        assert_eq!(course.look(15, &up()), Some(Verdict::CannotTell));
        // Where it is the gateway that was down, its own answer is what was missing.
        let mut course = Course::new();
        let runs = Clause::GatewayRuns { gateway: gateway_id() };
        course.watch.expect.clauses = vec![runs];
        for secs in 1..4 {
            course.answer(secs, 301, Speaker::Gateway);
        }
        let host = up().gateway(|g| g.workers = vec![9]);
        assert_eq!(course.look(4, &host), None);
        assert_eq!(course.look(14, &host), Some(Verdict::Fixed));
    }

    #[test]
    fn a_request_that_was_answered_well_before_proves_no_edit() {
        let verdict = |before: u16| {
            let mut course = Course::new();
            course.watch.expect.clauses.clear();
            for _ in 0..3 {
                course.answer(0, before, Speaker::Behind);
            }
            let expect = course.watch.expect.clone();
            let base = std::mem::take(&mut course.watch.before);
            course.watch.before = base.with_answers(&expect, &course.answers);
            course.answers.clear();
            for secs in 1..4 {
                course.answer(secs, 200, Speaker::Behind);
            }
            assert_eq!(course.look(4, &up()), None);
            course.look(15, &up())
        };
        assert_eq!(verdict(502), Some(Verdict::Fixed));
        assert_eq!(verdict(200), Some(Verdict::CannotTell));
    }

    #[test]
    fn where_nobody_asks_a_failure_in_the_log_begins_the_watch_again() {
        let addresses = vec![address(AT)];
        let clause = Clause::NoFailures { gateway: gateway_id(), addresses };
        let expect = Expectation {
            within_secs: 15,
            stable_secs: 10,
            clauses: vec![clause],
            proofs: Vec::new(),
        };
        let mut course = Course::new();
        course.watch = Watch::new(expect, Baseline::default(), course.began);
        assert_eq!(course.look(1, &up()), None);
        // Five seconds after the action.
        assert_eq!(course.look(6, &up().refused(-5, AT)), None);
        assert_eq!(course.look(12, &up().refused(-5, AT)), None, "it failed on the way");
        assert_eq!(course.look(13, &up().refused(-5, AT)), None);
        assert_eq!(course.look(23, &up().refused(-5, AT)), Some(Verdict::Fixed));
        let blind = up().blind_to(SourceId::Logs, "all");
        assert_eq!(course.look(30, &blind), Some(Verdict::CannotTell));
    }

    #[test]
    fn an_emergency_in_the_second_of_the_action_is_seen_and_one_before_it_is_not_blamed_on_it() {
        let expect = Expectation {
            within_secs: 15,
            clauses: vec![Clause::NoEmerg { gateway: gateway_id() }],
            ..Expectation::default()
        };
        let emerg = |host: Host, port: u16| {
            let text = format!(
                "2026/11/20 14:00:00 [emerg] 11#11: bind() to 0.0.0.0:{port} failed (98: Address already in use)"
            );
            let line = LogLine {
                program: Program::Nginx,
                origin: Origin::File("/var/log/nginx/error.log".into()),
                gateway: Some(gateway_id()),
                at: Some(crate::diagnosis::testing::ago(0)),
                text: Text::new(text),
            };
            host.sees(SourceId::Logs, Seen::Log(line))
        };
        let one = emerg(up(), 80);
        let base = baseline(&expect, &one.case(), &one.diagnose());
        let look = |host: &Host| {
            let mut case = host.case();
            // Half a second after the second that the log writes.
            let began = Moment { wall: Wall(case.now.wall.0 + 500_000), boot: case.now.boot };
            case.now = began;
            let mut watch = Watch::new(expect.clone(), base.clone(), began);
            watch.look(&case, &host.diagnose(), &[]).promises[0].outcome.clone()
        };
        assert_eq!(look(&one), Outcome::Holds);
        assert!(matches!(look(&emerg(one.clone(), 81)), Outcome::Fails(_)));
    }

    #[test]
    fn a_health_check_that_has_not_run_yet_does_not_outweigh_requests() {
        let host = up().container(container("shop").with(|seen| seen.health = Health::Starting));
        let id = host.case().containers.keys().next().unwrap().clone();
        let clause = Clause::ContainerRuns { container: id, name: "shop".into() };
        let look = |asks| {
            let (case, diagnosis) = (&host.case(), &host.diagnose());
            let since = case.now;
            let sight = Sight { case, diagnosis, since, good_since: since, asks };
            sight.clause(&clause, &Baseline::default())
        };
        assert_eq!(look(true), Outcome::Holds);
        assert!(matches!(look(false), Outcome::Unseen(_)));
    }

    #[test]
    fn another_upstream_that_was_down_and_stands_on_another_line_now_is_not_worse() {
        let host = up();
        let (case, one) = (host.case(), host.diagnose());
        let mut two = one.clone();
        let works = two.upstreams[0].clone();
        let line = |n: u8| UpstreamId(Text::new(format!("nginx:/etc/nginx/nginx.conf:{n}")));
        let broken = UpstreamRow { address: "127.0.0.1:9".into(), state: "down", ..works.clone() };
        two.upstreams = vec![
            UpstreamRow { id: line(10), ..broken.clone() },
            UpstreamRow { id: line(11), ..works.clone() },
        ];
        let base = baseline(&promise(), &case, &two);
        // A line was put in above both.
        let mut edited = two.clone();
        edited.upstreams =
            vec![UpstreamRow { id: line(11), ..broken }, UpstreamRow { id: line(12), ..works }];
        let mut watch = Watch::new(promise(), base.clone(), case.now);
        assert_ne!(watch.close(&case, &edited, &[]).verdict, Some(Verdict::Worse));
        edited.upstreams[1].state = "down";
        let mut watch = Watch::new(promise(), base, case.now);
        assert_eq!(watch.close(&case, &edited, &[]).verdict, Some(Verdict::Worse));
    }

    #[test]
    fn a_gateway_that_loses_its_workers_is_worse() {
        let healthy = up();
        let base = baseline(&promise(), &healthy.case(), &healthy.diagnose());
        let gone = up().gateway(|g| g.workers.clear());
        let case = gone.case();
        let mut watch = Watch::new(promise(), base, case.now);
        assert_eq!(watch.close(&case, &gone.diagnose(), &[]).verdict, Some(Verdict::Worse));
    }

    fn judged(clause: &Clause, host: &Host) -> Outcome {
        let (case, diagnosis) = (&host.case(), &host.diagnose());
        let since = case.now;
        let sight = Sight { case, diagnosis, since, good_since: since, asks: false };
        sight.clause(clause, &Baseline::default())
    }

    #[test]
    fn a_unit_is_stopped_when_systemd_says_so_or_has_forgotten_it() {
        let clause = Clause::UnitStopped { unit: name("shop.service") };
        assert!(matches!(judged(&clause, &up()), Outcome::Waits(_)));
        assert_eq!(judged(&clause, &down()), Outcome::Holds);
        assert_eq!(judged(&clause, &Host::new()), Outcome::Holds);
        let blind = Host::new().blind(SourceId::Units);
        assert!(matches!(judged(&clause, &blind), Outcome::Unseen(_)));
    }

    #[test]
    fn a_unit_is_enabled_when_its_file_says_so_and_not_failed_when_it_is_not() {
        let host = |of: crate::diagnosis::testing::UnitSeen| Host::new().unit(of);
        let enabled = Clause::UnitEnabled { unit: name("shop.service") };
        assert_eq!(judged(&enabled, &host(unit("shop.service"))), Outcome::Holds);
        let off = unit("shop.service").never_ran("disabled");
        assert!(matches!(judged(&enabled, &host(off)), Outcome::Waits(_)));
        let clean = Clause::NotFailed { unit: name("shop.service") };
        assert!(matches!(
            judged(&clean, &host(unit("shop.service").exited(1, 9))),
            Outcome::Waits(_)
        ));
        assert_eq!(judged(&clean, &down()), Outcome::Holds);
    }

    #[test]
    fn more_files_may_be_opened_when_the_process_itself_may() {
        let clause = Clause::OpenFiles { unit: name("shop.service"), above: 1_024 };
        let host = |max| {
            let limits = ProcessLimits { pid: 100, open_files: Some(9), max_open_files: max };
            Host::new()
                .unit(unit("shop.service").with(|u| u.main_pid = Some(100)))
                .process(100, "app", "shop.service")
                .sees(SourceId::Processes, Seen::Limits(limits))
        };
        assert_eq!(judged(&clause, &host(20_000)), Outcome::Holds);
        let kept = waits("its process may open 1024");
        assert_eq!(judged(&clause, &host(1_024)), kept);
    }

    #[test]
    fn a_compose_service_may_run_under_another_id_than_before() {
        let seen = |running: bool, project: &'static str| {
            let one = container("web-2").with(|c| c.compose = Some((project.into(), "web".into())));
            Host::new().container(if running { one } else { one.exited(1, 9) })
        };
        let clause = Clause::ServiceRuns { project: "shop".into(), service: "web".into() };
        assert_eq!(judged(&clause, &seen(true, "shop")), Outcome::Holds);
        assert!(matches!(judged(&clause, &seen(false, "shop")), Outcome::Waits(_)));
        assert!(matches!(judged(&clause, &seen(true, "other")), Outcome::Waits(_)));
    }

    #[test]
    fn workers_that_are_older_than_the_reload_are_the_old_ones() {
        let clause = Clause::NewWorkers { gateway: gateway_id() };
        let look = |loaded: i64| {
            let host = up().gateway(|g| {
                g.loaded = Some(crate::diagnosis::testing::ago(loaded));
                g.workers = vec![9];
            });
            let since = crate::diagnosis::testing::ago(10);
            let since = Moment { wall: since, boot: host.case().now.boot };
            let (case, diagnosis) = (&host.case(), &host.diagnose());
            let sight = Sight { case, diagnosis, since, good_since: since, asks: true };
            sight.clause(&clause, &Baseline::default())
        };
        assert_eq!(look(5), Outcome::Holds);
        assert!(matches!(look(60), Outcome::Waits(_)));
    }
}
