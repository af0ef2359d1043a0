//! One clause, held against what is seen now.

use crate::{
    diagnosis::Diagnosis,
    evidence::CaseFile,
    observation::{
        Address, Container, ContainerState, Gateway, GatewayId, Health, Moment, ProbeOutcome,
        ProgramId, SourceId, Text, Unit, UnitActive, UnitName,
    },
    verification::Clause,
};

use super::{
    baseline::{Baseline, emergs},
    outcome::{Outcome, unseen, waits},
};

/// What is looked at.
pub(super) struct Sight<'a> {
    pub(super) case: &'a CaseFile,
    pub(super) diagnosis: &'a Diagnosis,
    pub(super) since: Moment,
    pub(super) good_since: Moment,
    /// Whether requests are asked.
    pub(super) asks: bool,
}

impl Sight<'_> {
    pub(super) fn clause(&self, clause: &Clause, before: &Baseline) -> Outcome {
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
                    .any(|f| f.cause == cause && f.subject.whom() == *concerned);
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
