//! How often something was started again by its manager, and when.

use std::collections::BTreeMap;

use crate::{
    observation::{
        Container, ContainerId, ContainerState, Origin, Program, Unit, UnitActive, UnitName, Wall,
    },
    session::{Shown, figures::span},
};

/// Restarts within [`LATELY`] from which it is a loop.
const LOOP: usize = 3;
/// How far back restarts count, seconds.
const LATELY: i64 = 600;
/// What has run longer than this does not loop any more, seconds.
const STEADY: i64 = 120;
/// Restarts remembered of one unit or container.
const KEPT: usize = 64;

/// When units and containers were started again in the last minutes, as far as the journal and
/// Docker's stream tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restarts {
    units: BTreeMap<UnitName, Vec<Wall>>,
    containers: BTreeMap<ContainerId, Vec<Wall>>,
}

impl Restarts {
    /// Reads them once, for everything that is shown.
    pub fn new(shown: &Shown<'_>) -> Self {
        let case = shown.case;
        let from = case.now.wall.minus_secs(LATELY);
        let mut all = Self::default();
        for fact in case.logs.facts.iter().filter(|f| f.at >= from) {
            let again =
                fact.program == Program::Systemd && fact.signature.as_str() == "app-restart-loop";
            if let (true, Origin::Journal(unit)) = (again, &fact.origin) {
                push(all.units.entry(unit.clone()).or_default(), fact.at);
            }
        }
        let deaths =
            case.container_events.iter().filter(|e| e.at >= from && e.action.raw() == "die");
        for event in deaths {
            push(all.containers.entry(event.id.clone()).or_default(), event.at);
        }
        all
    }

    /// Whether a unit ends and is started again, over and over.
    pub fn unit_loops(&self, shown: &Shown<'_>, unit: &Unit) -> bool {
        if matches!(unit.active, UnitActive::Failed | UnitActive::Inactive) {
            return false;
        }
        let waits = unit.active == UnitActive::Activating && unit.sub.raw() == "auto-restart";
        let times = self.units.get(&unit.name).map_or(&[][..], Vec::as_slice);
        waits && unit.restarts as usize >= LOOP
            || times.len() >= LOOP && is_fresh(shown, times.last().copied())
    }

    /// Whether a container ends and is started again, over and over.
    pub fn container_loops(&self, shown: &Shown<'_>, container: &Container) -> bool {
        let deaths = self.containers.get(&container.id).map_or(0, Vec::len);
        let often = usize::try_from(container.restarts).unwrap_or(usize::MAX).max(deaths) >= LOOP;
        match container.state {
            ContainerState::Restarting => often,
            ContainerState::Running => often && is_fresh(shown, container.started),
            _ => false,
        }
    }

    /// The restarts of a unit: `3 in 2 min`, `14 in all`; empty for none.
    pub fn of_unit(&self, unit: &Unit) -> String {
        rhythm(self.units.get(&unit.name), unit.restarts.into())
    }

    /// The restarts of a container.
    pub fn of_container(&self, container: &Container) -> String {
        rhythm(self.containers.get(&container.id), container.restarts)
    }
}

fn push(times: &mut Vec<Wall>, at: Wall) {
    if times.len() < KEPT {
        times.push(at);
    }
}

fn is_fresh(shown: &Shown<'_>, at: Option<Wall>) -> bool {
    at.is_some_and(|at| shown.case.now.wall.since(at).as_secs() < STEADY)
}

/// Count and rhythm: how many in how long, where that was seen, else how many in all.
fn rhythm(times: Option<&Vec<Wall>>, all: u64) -> String {
    let seen = times.filter(|times| times.len() > 1);
    let ends = seen.and_then(|times| times.iter().min().zip(times.iter().max()));
    match (seen, ends, all) {
        (Some(times), Some((first, last)), _) => {
            let took = last.since(*first).as_secs().max(5);
            format!("{} in {}", times.len(), span(took))
        }
        (_, _, 0) => String::new(),
        (_, _, n) => format!("{n} in all"),
    }
}
