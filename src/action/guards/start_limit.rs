//! Whether one more start stays below `StartLimitBurst=` (systemd.unit(5)). Starts by hand count
//! as much as those by systemd itself.

use crate::{
    host::{clock, unit_facts::UnitFacts, unit_journal},
    observation::{UnitName, Wall},
    remedy::{Action, Check, Guard},
};

use super::{Ground, unit};

const GUARD: Guard = Guard::StartLimit;
/// A window longer than this, in seconds, is not counted back further: 1 day.
const LONGEST: u64 = 86_400;

pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let Some(name) = action.unit() else { return Vec::new() };
    if ground.is_before(action, |step| unit::is_reset(step, name)) {
        let words = format!("the counter of starts of {name} is cleared first");
        return vec![Check::note(GUARD, words)];
    }
    let facts = match unit::facts(name, ground).await {
        Ok(facts) => facts,
        Err(why) => return vec![Check::refused(GUARD, why)],
    };
    if facts.burst == 0 || facts.interval_us == 0 {
        return vec![Check::clear(GUARD, format!("{name} has no start limit"))];
    }
    if facts.inactive_exit == 0 {
        // A unit that was forgotten meanwhile is loaded with a new counter.
        let words = format!("{name} was not started since systemd loaded it");
        return vec![Check::clear(GUARD, words)];
    }
    let now = clock::now().wall;
    let window = (facts.interval_us / 1_000_000).min(LONGEST);
    let since = now.minus_secs(i64::try_from(window).unwrap_or(i64::MAX));
    let starts = match unit_journal::history(name, since).await {
        Some(history) => history.starts.into_iter().filter(|at| *at >= since).collect(),
        None => known(name, &facts, ground, since),
    };
    vec![judge(name, &facts, &starts, now)]
}

/// Without a journal only the last start and the number of automatic ones are known; when the last
/// lies in the window, all are taken to.
fn known(unit: &UnitName, facts: &UnitFacts, ground: Ground<'_>, since: Wall) -> Vec<Wall> {
    let seen = ground.case.units.get(unit).and_then(|u| u.exec_start);
    let last = Some(Wall(facts.active_enter)).max(seen).filter(|at| *at >= since);
    let times = usize::try_from(facts.restarts).unwrap_or(usize::MAX).saturating_add(1);
    last.map(|at| vec![at; times.min(64)]).unwrap_or_default()
}

fn judge(unit: &UnitName, facts: &UnitFacts, starts: &[Wall], now: Wall) -> Check {
    let burst = usize::try_from(facts.burst).unwrap_or(usize::MAX);
    let secs = facts.interval_us / 1_000_000;
    let words = format!("{unit} was started {} times in {secs} s, of {burst}", starts.len());
    if starts.len().saturating_add(1) < burst {
        return Check::clear(GUARD, words);
    }
    // So many must have left the window before one more stays below.
    let leave = starts.len().saturating_add(2).saturating_sub(burst);
    let mut oldest = starts.to_vec();
    oldest.sort_unstable();
    let free = leave.checked_sub(1).and_then(|at| oldest.get(at)).map_or(now, |at| {
        Wall(at.0.saturating_add(i64::try_from(facts.interval_us).unwrap_or(i64::MAX)))
    });
    let wait = free.0.saturating_sub(now.0).max(0) / 1_000_000 + 1;
    Check::refused(
        GUARD,
        format!(
            "{words}: one more would come too near to systemd's limit, and at the limit it stays \
             down; {wait} s until it may be started again"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::Regard;

    #[test]
    fn a_start_that_comes_near_the_limit_is_refused_with_a_countdown() {
        let unit = UnitName::new("app.service").unwrap();
        let facts = UnitFacts { burst: 5, interval_us: 10_000_000, ..UnitFacts::default() };
        let now = Wall::from_secs(1_000);
        let at = |secs: i64| Wall::from_secs(secs);
        let ask = |starts: &[Wall]| judge(&unit, &facts, starts, now);
        assert_eq!(ask(&[]).regard, Regard::Clear);
        assert_eq!(ask(&[at(993), at(995), at(996)]).regard, Regard::Clear);
        let near = ask(&[at(993), at(995), at(996), at(998)]);
        assert_eq!(near.regard, Regard::Refused);
        // The oldest leaves the window at 1003.
        assert!(near.words.contains("4 s until"), "{}", near.words);
    }
}
