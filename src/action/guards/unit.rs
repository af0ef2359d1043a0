//! Whether systemd knows the unit, and lets it be told this.

use std::time::Duration;

use crate::{
    action::hands::units,
    host::{
        systemd::{Systemd, SystemdError},
        unit_facts::UnitFacts,
    },
    observation::UnitName,
    remedy::{Action, Check, Guard},
};

use super::Ground;

/// How often a unit is asked whether a job still waits on it: one of a unit that systemd restarts
/// by itself is over within moments.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);

const GUARD: Guard = Guard::Unit;
/// Most units that are asked whether they run.
const MOST: usize = 16;

/// Asks systemd about a unit.
pub(super) async fn facts(unit: &UnitName, ground: Ground<'_>) -> Result<UnitFacts, String> {
    let ask = async {
        let systemd = Systemd::connect(&ground.tools.bus).await?;
        UnitFacts::ask(&systemd, unit).await
    };
    ask.await.map_err(|error| match error {
        SystemdError::NoSuchUnit => format!("there is no unit {unit}"),
        other => format!("systemd cannot be asked about {unit}: {other}"),
    })
}

pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let Some(unit) = action.unit() else { return Vec::new() };
    if units::is_template(unit) {
        return vec![Check::refused(GUARD, units::template(unit))];
    }
    let mut seen = facts(unit, ground).await;
    for _ in 1..LOOKS {
        if seen.as_ref().map_or(0, |facts| facts.job) == 0 {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        seen = facts(unit, ground).await;
    }
    match seen {
        Ok(facts) => {
            let mut checks = judge(action, unit, &facts, ground);
            if matches!(action, Action::StartUnit { .. } | Action::RestartUnit { .. }) {
                checks.extend(rivals(unit, &facts, ground).await);
            }
            checks
        }
        Err(why) => vec![Check::refused(GUARD, why)],
    }
}

/// What runs and would be stopped by the start, because the two exclude each other (`Conflicts=`).
async fn rivals(unit: &UnitName, facts: &UnitFacts, ground: Ground<'_>) -> Vec<Check> {
    let mut found = Vec::new();
    for name in facts.conflicts.iter().filter_map(|name| UnitName::new(name.raw()).ok()).take(MOST)
    {
        match self::facts(&name, ground).await {
            Ok(other) if other.is_active() => found.push(name),
            _ => {}
        }
    }
    stops(unit, &found).into_iter().collect()
}

fn stops(unit: &UnitName, rivals: &[UnitName]) -> Option<Check> {
    let names: Vec<&str> = rivals.iter().map(UnitName::as_str).collect();
    (!names.is_empty()).then(|| {
        let words = format!(
            "{} runs and will be stopped: {unit} cannot run beside it (Conflicts=)",
            names.join(", ")
        );
        Check::typed(GUARD, words)
    })
}

fn judge(action: &Action, unit: &UnitName, facts: &UnitFacts, ground: Ground<'_>) -> Vec<Check> {
    let refused = |why: String| vec![Check::refused(GUARD, why)];
    if let Some(why) = units::unfit(unit, facts) {
        return refused(why);
    }
    if facts.job != 0 && moves(action) {
        return refused(format!(
            "job {} already waits on {unit}: systemctl list-jobs shows it; let it end first",
            facts.job
        ));
    }
    let can = facts.can;
    match action {
        Action::StartUnit { .. } if !can.start => {
            refused(format!("{unit} refuses to be started by hand (RefuseManualStart=)"))
        }
        Action::StopUnit { .. } if !can.stop => {
            refused(format!("{unit} refuses to be stopped by hand (RefuseManualStop=)"))
        }
        Action::ReloadUnit { .. } if !can.reload => {
            refused(format!("{unit} has no ExecReload=: it can only be restarted"))
        }
        Action::ReloadUnit { .. } if !facts.is_active() => {
            refused(format!("{unit} does not run: there is nothing to reload"))
        }
        Action::StartUnit { .. } if facts.is_active() => {
            vec![Check::note(GUARD, format!("{unit} runs already: nothing will happen"))]
        }
        Action::StartUnit { .. } if facts.result == "start-limit-hit" => {
            let reset = ground.is_before(action, |step| is_reset(step, unit));
            if reset {
                vec![Check::clear(GUARD, format!("the start limit of {unit} is cleared first"))]
            } else {
                refused(format!(
                    "{unit} was started too often: its state must be cleared first: sudo systemctl \
                     reset-failed {unit}"
                ))
            }
        }
        _ => vec![Check::clear(GUARD, format!("{unit} is {} ({})", facts.active, facts.sub))],
    }
}

/// Whether it asks for a job.
const fn moves(action: &Action) -> bool {
    matches!(
        action,
        Action::StartUnit { .. }
            | Action::RestartUnit { .. }
            | Action::RestartGateway { .. }
            | Action::ReloadUnit { .. }
            | Action::StopUnit { .. }
    )
}

pub(super) fn is_reset(step: &Action, unit: &UnitName) -> bool {
    matches!(step, Action::ResetFailed { unit: of } if of == unit)
}
