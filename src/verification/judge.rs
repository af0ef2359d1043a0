//! Holds a prediction against what is seen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    diagnosis::{Diagnosis, FindingSubject},
    evidence::CaseFile,
    observation::{
        Address, Container, ContainerState, Gateway, GatewayId, Health, Moment, ProbeOutcome,
        SourceId, Unit, UnitActive, UnitName, UpstreamId,
    },
};

use super::{Clause, Expectation, Judged, Judgement, ProofAnswer, Verdict};

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
    /// Upstreams that took connections.
    up: BTreeSet<UpstreamId>,
    /// Gateways that had workers.
    running: BTreeSet<GatewayId>,
    /// Causes that were named, with whom they concerned.
    named: BTreeSet<(String, String)>,
    /// Clauses, by index, that held already.
    held: BTreeSet<usize>,
}

/// Remembers how things stand before an action.
pub fn baseline(expect: &Expectation, case: &CaseFile, diagnosis: &Diagnosis) -> Baseline {
    let since = case.now;
    let held = expect.clauses.iter().enumerate();
    let held = held.filter(|(_, c)| clause(c, case, diagnosis, since, since) == Outcome::Holds);
    let up = diagnosis.upstreams.iter().filter(|row| row.state == "up");
    let running = case.gateways.values().filter(|g| !g.workers.is_empty());
    let named = diagnosis.findings.iter();
    Baseline {
        up: up.map(|row| row.id.clone()).collect(),
        running: running.map(|g| g.id.clone()).collect(),
        named: named.map(|f| (f.cause.to_owned(), whom(&f.subject))).collect(),
        held: held.map(|(at, _)| at).collect(),
    }
}

/// Whom a finding concerns, as one word that stays the same while the evidence grows.
pub(crate) fn whom(subject: &FindingSubject) -> String {
    let unit = subject.unit.as_ref().map(ToString::to_string);
    let container = || subject.container.as_ref().map(|(id, _)| id.to_string());
    let address = || subject.address.as_ref().map(ToString::to_string);
    let gateway = || subject.gateway.as_ref().map(ToString::to_string);
    unit.or_else(container).or_else(address).or_else(gateway).unwrap_or_default()
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
        let good_since = first_good(answers).unwrap_or(now);
        let mut promises: Vec<Judged> = Vec::new();
        for one in &self.expect.clauses {
            let outcome = clause(one, case, diagnosis, self.since, good_since);
            promises.push(Judged { promise: one.words(), outcome });
        }
        for (index, proof) in self.expect.proofs.iter().enumerate() {
            let outcome = proven(index, proof.times, answers);
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
        let down = |id: &UpstreamId| {
            diagnosis.upstreams.iter().any(|row| row.id == *id && row.state == "down")
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

/// When the answers that are needed began to be good and stayed so.
fn first_good(answers: &[ProofAnswer]) -> Option<Moment> {
    let bad = answers.iter().rposition(|a| !a.is_good()).map_or(0, |at| at + 1);
    answers.get(bad).map(|a| a.at)
}

fn proven(index: usize, times: u8, answers: &[ProofAnswer]) -> Outcome {
    let own: Vec<&ProofAnswer> = answers.iter().filter(|a| a.proof == index).collect();
    let good = own.iter().rev().take_while(|a| a.is_good()).count();
    if good >= usize::from(times) {
        return Outcome::Holds;
    }
    match own.last() {
        Some(last) if last.is_good() => Outcome::Waits(format!("{good} of {times} so far")),
        Some(last) => Outcome::Waits(match (last.status, &last.failure) {
            (Some(status), _) => format!("the last answer was {status}"),
            (None, Some(why)) => format!("no answer: {why}"),
            (None, None) => "no answer".to_owned(),
        }),
        None => Outcome::Waits("not asked yet".to_owned()),
    }
}

fn waits(why: impl Into<String>) -> Outcome {
    Outcome::Waits(why.into())
}

fn clause(
    clause: &Clause,
    case: &CaseFile,
    diagnosis: &Diagnosis,
    since: Moment,
    good_since: Moment,
) -> Outcome {
    match clause {
        Clause::UnitRuns { unit } => on_unit(unit, case, |seen| match seen.map(|u| u.active) {
            Some(UnitActive::Active) => Outcome::Holds,
            Some(UnitActive::Failed) => waits(format!("{unit} is failed")),
            Some(_) => waits(format!("{unit} is not active yet")),
            None => waits(format!("{unit} is not loaded")),
        }),
        // systemd forgets what is down and has nothing to remember.
        Clause::UnitStopped { unit } => on_unit(unit, case, |seen| match seen.map(|u| u.active) {
            Some(UnitActive::Inactive | UnitActive::Failed) | None => Outcome::Holds,
            Some(_) => waits(format!("{unit} is not down yet")),
        }),
        Clause::UnitEnabled { unit } => on_unit(unit, case, |seen| match seen {
            Some(seen) if seen.file_state.raw() == "enabled" => Outcome::Holds,
            Some(seen) => waits(format!("its unit file is {}", seen.file_state)),
            None => waits(format!("{unit} is not loaded")),
        }),
        Clause::NotFailed { unit } => on_unit(unit, case, |seen| match seen.map(|u| u.active) {
            Some(UnitActive::Failed) => waits(format!("{unit} is failed")),
            _ => Outcome::Holds,
        }),
        Clause::OpenFiles { unit, above } => on_unit(unit, case, |seen| {
            let limits = seen.and_then(|u| u.main_pid).and_then(|pid| case.limits.get(&pid));
            match limits.map(|limits| limits.max_open_files) {
                Some(max) if max > *above => Outcome::Holds,
                Some(max) => waits(format!("its process may open {max}")),
                None if case.is_blind(SourceId::Processes) => unseen("its limits are out of sight"),
                None => waits("its process has not been seen yet"),
            }
        }),
        Clause::ServiceRuns { project, service } => {
            let of = |c: &&Container| {
                c.compose.as_ref().is_some_and(|(p, s)| p == project && s == service)
            };
            let all = case.containers.values().filter(of).map(contained);
            let least = |a: Outcome, b: Outcome| if a == Outcome::Holds { a } else { b };
            match all.reduce(least) {
                Some(outcome) => outcome,
                None if case.is_blind(SourceId::Docker) => unseen("Docker cannot be asked"),
                None => waits(format!("there is no container of {service}")),
            }
        }
        Clause::ContainerRuns { container, name } => match case.containers.get(container) {
            Some(seen) => contained(seen),
            None if case.is_blind(SourceId::Docker) => unseen("Docker cannot be asked"),
            None => Outcome::Fails(format!("container {name} is gone")),
        },
        Clause::Listens { gateway, address } => listens(gateway, address, case, diagnosis, since),
        Clause::NewWorkers { gateway } => on_gateway(gateway, case, |g| {
            match g.loaded {
                _ if g.workers.is_empty() => waits("the gateway has no worker"),
                // Start times of processes are known to a hundredth of a second, wall clocks differ
                // by less than that.
                Some(at) if at.since(since.wall).as_millis() > -20 => Outcome::Holds,
                _ => waits("the workers are the old ones"),
            }
        }),
        Clause::GatewayRuns { gateway } => on_gateway(gateway, case, |g| {
            if g.workers.is_empty() { waits("the gateway has no worker") } else { Outcome::Holds }
        }),
        Clause::NoEmerg { gateway } => {
            let emerg = case.logs.since(since.wall).find(|fact| {
                fact.gateway.as_ref() == Some(gateway) && fact.text.raw().contains("[emerg]")
            });
            emerg.map_or(Outcome::Holds, |fact| Outcome::Fails(fact.text.to_string()))
        }
        Clause::NoFailures { gateway, addresses } => {
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

fn contained(seen: &Container) -> Outcome {
    let name = &seen.name;
    match (seen.state, seen.health) {
        (ContainerState::Running, Health::Unhealthy) => {
            waits(format!("container {name} is unhealthy"))
        }
        (ContainerState::Running, Health::Starting) => {
            waits(format!("the health check of {name} has not passed yet"))
        }
        (ContainerState::Running, Health::None | Health::Healthy) => Outcome::Holds,
        _ => waits(format!("container {name} does not run")),
    }
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
        observation::{Boot, ProcessLimits, Seen, Wall},
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
        assert!(proven(404, Speaker::Behind) && proven(301, Speaker::Gateway));
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
    fn a_gateway_that_loses_its_workers_is_worse() {
        let healthy = up();
        let base = baseline(&promise(), &healthy.case(), &healthy.diagnose());
        let gone = up().gateway(|g| g.workers.clear());
        let case = gone.case();
        let mut watch = Watch::new(promise(), base, case.now);
        assert_eq!(watch.close(&case, &gone.diagnose(), &[]).verdict, Some(Verdict::Worse));
    }

    fn judged(clause: &Clause, host: &Host) -> Outcome {
        let case = host.case();
        super::clause(clause, &case, &host.diagnose(), case.now, case.now)
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
            super::clause(&clause, &host.case(), &host.diagnose(), since, since)
        };
        assert_eq!(look(5), Outcome::Holds);
        assert!(matches!(look(60), Outcome::Waits(_)));
    }
}
