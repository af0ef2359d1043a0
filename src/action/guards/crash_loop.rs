//! Whether a unit ends again each time it is started: one more start is no cure then.

use crate::{
    host::unit_journal,
    observation::UnitName,
    remedy::{Action, Check, Guard},
};

use super::{Ground, unit};

const GUARD: Guard = Guard::CrashLoop;
/// Bad ends within [`WINDOW`] that make a loop.
const ENDS: usize = 3;
/// Seconds.
const WINDOW: i64 = 600;

pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let Some(name) = action.unit() else { return Vec::new() };
    let facts = match unit::facts(name, ground).await {
        Ok(facts) => facts,
        Err(why) => return vec![Check::refused(GUARD, why)],
    };
    let now = ground.case.now.wall;
    let since = now.minus_secs(WINDOW);
    // Without a journal systemd's own counter must do, when the last end was a moment ago.
    let counted = || {
        let recent = ground.case.units.get(name).and_then(|u| u.exec_exit);
        let restarts = usize::try_from(facts.restarts).unwrap_or(usize::MAX);
        if recent.is_some_and(|at| at >= since) { restarts } else { 0 }
    };
    let history = unit_journal::history(name, since).await;
    let ends = history.map_or_else(counted, |history| history.ends.len());
    vec![judge(action, name, ends, &facts.end(), ground)]
}

fn judge(action: &Action, unit: &UnitName, ends: usize, last: &str, ground: Ground<'_>) -> Check {
    if ends < ENDS {
        return Check::clear(GUARD, format!("{unit} ended badly {ends} times in 10 minutes"));
    }
    let words = format!(
        "{unit} was started again and ended {ends} times in 10 minutes, the last exit was {last}"
    );
    // What makes it end is changed first: then one more start is the proof.
    if ground.is_before(action, cures) {
        return Check::note(GUARD, format!("{words}; what may have caused it is changed first"));
    }
    Check::refused(
        GUARD,
        format!("{words}: a restart will not help; its log says why: journalctl -u {unit} -n 50"),
    )
}

const fn cures(step: &Action) -> bool {
    matches!(step, Action::LimitUnit { .. } | Action::EditFile(_) | Action::EndProcess { .. })
}
