//! Whom a plan acts on.

use std::collections::BTreeSet;

use crate::{
    evidence::CaseFile,
    observation::{ContainerId, Listener, Owner, UnitName},
    remedy::{Action, Plan},
};

/// Most processes that are looked into.
const MOST: usize = 32;

/// Units, containers and processes whose state an action changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) units: BTreeSet<UnitName>,
    pub(super) containers: BTreeSet<ContainerId>,
    pub(super) pids: BTreeSet<u32>,
    pub(super) listeners: Vec<Listener>,
}

impl Subject {
    pub(super) fn of(plan: &Plan, case: &CaseFile) -> Self {
        let mut subject = Self::default();
        for step in plan.steps.iter().filter(|step| destroys(step)) {
            subject.units.extend(step.unit().cloned());
            subject.containers.extend(step.container().map(|(id, _)| id.clone()));
            let program = step.program().and_then(|call| case.program(&call.program));
            subject.pids.extend(program.into_iter().flat_map(|(_, program)| &program.tree));
            match step {
                Action::EndProcess { pid, .. } => _ = subject.pids.insert(*pid),
                Action::ReloadGateway { gateway, master } => {
                    subject.pids.insert(*master);
                    if let Some(gateway) = case.gateways.get(gateway) {
                        subject.pids.extend(&gateway.workers);
                    }
                }
                _ => {}
            }
        }
        let theirs = |owner: &Owner| match owner {
            Owner::Unit(unit) => subject.units.contains(unit),
            Owner::Container(id) => subject.containers.contains(id),
            Owner::Program(_) => false,
        };
        let owned = case.processes.values().filter(|p| p.owner.as_ref().is_some_and(theirs));
        let owned: Vec<u32> = owned.map(|p| p.pid).collect();
        subject.pids.extend(owned);
        while subject.pids.len() > MOST {
            subject.pids.pop_last();
        }
        let tables = case.listeners.values().flat_map(|table| &table.value.listeners);
        let held = tables.filter(|l| l.pids.iter().any(|pid| subject.pids.contains(pid)));
        let held: Vec<Listener> = held.cloned().collect();
        subject.listeners = held;
        subject
    }

    pub(super) fn is_empty(&self) -> bool {
        self.units.is_empty() && self.containers.is_empty() && self.pids.is_empty()
    }
}

/// Whether something that tells about the past is gone after it.
const fn destroys(step: &Action) -> bool {
    !matches!(
        step,
        Action::EnableUnit { .. }
            | Action::EditFile(_)
            | Action::SetSocketAccess { .. }
            | Action::AllowTraverse { .. }
    )
}
