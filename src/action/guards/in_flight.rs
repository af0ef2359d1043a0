//! How many requests an action would cut off now, and of how many sites.

use std::collections::BTreeSet;

use crate::{
    host::connections::under_way,
    observation::{Address, Owner},
    remedy::{Action, Check, DROPPED_AT_ONCE, Guard, SITES_AT_ONCE},
};

use super::Ground;

const GUARD: Guard = Guard::InFlight;

pub(super) fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    let sites = &ground.plan.blast.sites;
    if action.interrupts() && sites.len() > SITES_AT_ONCE {
        let words = format!("{} sites are interrupted: {}", sites.len(), sites.join(", "));
        checks.push(Check::typed(GUARD, words));
    }
    let spots = spots(action, ground);
    if spots.is_empty() {
        checks.push(Check::clear(GUARD, "it listens nowhere: no request is cut off"));
        return checks;
    }
    let mut count = 0_u64;
    for (process, addresses) in &spots {
        match under_way(process, addresses) {
            Ok(some) => count = count.saturating_add(some),
            Err(error) => {
                let words = format!("the connections under way could not be counted: {error}");
                checks.push(Check::note(GUARD, words));
            }
        }
    }
    checks.push(judge(action, count, ground));
    checks
}

fn judge(action: &Action, count: u64, ground: Ground<'_>) -> Check {
    if let Action::ReloadProgram { .. } = action {
        let words = format!("{count} connections are under way; each process may end its own");
        return Check::clear(GUARD, words);
    }
    if let Action::ReloadUnit { .. } = action {
        if !is_php_fpm(action, ground) {
            let words = format!("{count} connections are under way; a reload lets them end");
            return Check::clear(GUARD, words);
        }
        // Its default does not wait for children that serve a request.
        let words = format!(
            "{count} requests are under way, and php-fpm cuts them off unless \
             process_control_timeout is set"
        );
        return match count {
            0 => Check::clear(GUARD, "no request is under way"),
            n if n > DROPPED_AT_ONCE => Check::typed(GUARD, words),
            _ => Check::note(GUARD, words),
        };
    }
    match count {
        0 => Check::clear(GUARD, "no request is under way"),
        n if n > DROPPED_AT_ONCE => Check::typed(GUARD, format!("{n} connections are cut off")),
        n => Check::note(GUARD, format!("{n} connections are cut off")),
    }
}

fn is_php_fpm(action: &Action, ground: Ground<'_>) -> bool {
    let unit = action.unit().and_then(|name| ground.case.units.get(name));
    unit.is_some_and(|unit| unit.commands.iter().any(|line| line.raw().contains("php-fpm")))
}

/// Where it listens, and a process in whose network namespace these addresses are.
fn spots(action: &Action, ground: Ground<'_>) -> Vec<(String, Vec<Address>)> {
    let case = ground.case;
    let owner = action
        .unit()
        .map(|unit| Owner::Unit(unit.clone()))
        .or_else(|| action.container().map(|(id, _)| Owner::Container(id.clone())));
    let program = action.program().and_then(|call| case.program(&call.program)).map(|(_, p)| p);
    let is_its = |pid: u32| match action {
        Action::EndProcess { pid: one, .. } => pid == *one,
        _ if program.is_some() => program.is_some_and(|p| p.tree.contains(&pid)),
        _ => owner.is_some() && case.owner_of(pid) == owner.as_ref(),
    };
    let mut spots = Vec::new();
    for table in case.listeners.values() {
        let mut process = None;
        let mut addresses = BTreeSet::new();
        for listener in table.value.listeners.iter().filter(|l| l.stream) {
            if let Some(pid) = listener.pids.iter().find(|pid| is_its(**pid)) {
                process = Some(*pid);
                addresses.insert(listener.address.clone());
            }
        }
        if let Some(pid) = process {
            spots.push((pid.to_string(), addresses.into_iter().collect()));
        }
    }
    spots
}
