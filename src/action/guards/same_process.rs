//! Whether a process is still the one that was seen, and may be signalled.

use crate::{
    action::hands::{gateway, process},
    host::pidfd::Held,
    observation::Text,
    remedy::{Action, Check, Guard},
};

use super::Ground;

const GUARD: Guard = Guard::SameProcess;

pub(super) fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let check = match action {
        Action::EndProcess { pid, name } => end(*pid, name, ground),
        Action::ReloadGateway { gateway, master } => match ground.case.gateways.get(gateway) {
            None => Err(format!("{gateway} is gone")),
            Some(seen) => held(*master, &Text::new("nginx")).and_then(|now| {
                gateway::not_master(seen, *master, ground.case, &now)
                    .map_or_else(|| Ok(format!("{master} is the master of {gateway}")), Err)
            }),
        },
        _ => return Vec::new(),
    };
    vec![match check {
        Ok(words) => Check::clear(GUARD, words),
        Err(why) => Check::refused(GUARD, why),
    }]
}

fn held(pid: u32, name: &Text) -> Result<crate::host::pidfd::Identity, String> {
    let gone = || format!("process {pid} ({name}) is gone");
    Held::open(pid).ok().and_then(|held| held.identity()).ok_or_else(gone)
}

fn end(pid: u32, name: &Text, ground: Ground<'_>) -> Result<String, String> {
    let now = held(pid, name)?;
    if let Some(why) = process::spared(pid, &now) {
        return Err(why);
    }
    let Some(seen) = ground.case.processes.get(&pid) else {
        return Err(format!("process {pid} is not among those that were seen"));
    };
    if let Some(why) = process::other(seen, name, &now) {
        return Err(why);
    }
    // Only what stands in a service's way is ended, and only as long as it does.
    let blamed = ground.diagnosis.findings.iter().any(|f| f.subject.pid == Some(pid) && f.current);
    if !blamed {
        return Err(format!("process {pid} ({name}) is no longer in anybody's way"));
    }
    let owner = match &seen.owner {
        Some(crate::observation::Owner::Unit(unit)) => format!(", a process of {unit}"),
        Some(crate::observation::Owner::Program(id)) => format!(", a process of {id}"),
        _ => String::new(),
    };
    Ok(format!("{pid} is still {name}{owner}: {}", seen.command))
}
