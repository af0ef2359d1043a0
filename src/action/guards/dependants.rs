//! Which other units stop or restart along with this one.

use crate::{
    host::{
        systemd::{Systemd, SystemdError},
        unit_facts::UnitFacts,
    },
    observation::UnitName,
    remedy::{Action, Check, Guard},
};

use super::{Ground, unit};

const GUARD: Guard = Guard::Dependants;
/// Most dependants that are asked about and named.
const MOST: usize = 16;

pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let Some(name) = action.unit() else { return Vec::new() };
    let facts = match unit::facts(name, ground).await {
        Ok(facts) => facts,
        Err(why) => return vec![Check::refused(GUARD, why)],
    };
    let Ok(along) = running(&facts, ground).await else {
        let all: Vec<String> = facts.followers.iter().map(ToString::to_string).collect();
        return vec![Check::typed(GUARD, format!("may restart too: {}", all.join(", ")))];
    };
    let mut checks = Vec::new();
    let doing = if matches!(action, Action::StopUnit { .. }) { "stop" } else { "restart" };
    let names: Vec<&str> = along.iter().map(UnitName::as_str).collect();
    checks.push(match names.len() {
        0 => Check::clear(GUARD, format!("no other unit will {doing} with {name}")),
        1 => Check::note(GUARD, format!("{} will {doing} with it", names.join(", "))),
        many => Check::typed(
            GUARD,
            format!("{many} other units will {doing} with it: {}", names.join(", ")),
        ),
    });
    if matches!(action, Action::StopUnit { .. }) && !facts.triggered_by.is_empty() {
        let by: Vec<String> = facts.triggered_by.iter().map(ToString::to_string).collect();
        checks.push(Check::note(
            GUARD,
            format!("{} still listens and starts it again at the next use", by.join(", ")),
        ));
    }
    checks
}

/// The dependants that run now, at most [`MOST`]; their own dependants, too.
async fn running(facts: &UnitFacts, ground: Ground<'_>) -> Result<Vec<UnitName>, SystemdError> {
    let mut found: Vec<UnitName> = Vec::new();
    if facts.followers.is_empty() {
        return Ok(found);
    }
    let systemd = Systemd::connect(&ground.tools.bus).await?;
    let mut queue = facts.followers.clone();
    let mut asked = 0;
    while let Some(next) = queue.pop() {
        let Ok(name) = UnitName::new(next.raw()) else { continue };
        if found.contains(&name) || asked >= 2 * MOST || found.len() >= MOST {
            continue;
        }
        asked += 1;
        let facts = UnitFacts::ask(&systemd, &name).await?;
        if facts.is_active() {
            queue.extend(facts.followers);
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}
