//! Whether processes can be made at all: a reload whose new workers cannot be made leaves none.

use crate::{
    host::{
        files::Root,
        headroom::{Room, of_host, of_process},
        meminfo::Meter,
    },
    observation::{Owner, UnitName},
    remedy::{Action, Check, Guard},
};

use super::{Ground, unit};

const GUARD: Guard = Guard::Headroom;
/// Bytes of available memory under which nothing is started: the kernel would kill to find more.
const LEAST: u64 = 16 << 20;
/// Bytes under which it is said.
const LITTLE: u64 = 64 << 20;

pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let root = Root::default();
    let (need, mut rooms) = match action {
        Action::ReloadGateway { gateway, master } => {
            let workers = ground.case.gateways.get(gateway).map_or(1, |g| g.workers.len());
            (u64::try_from(workers.max(1)).unwrap_or(1), of_process(&root, *master))
        }
        _ => match action.unit() {
            Some(name) => (tasks_of(name, action, ground), rooms_of(name, ground).await),
            None => return Vec::new(),
        },
    };
    rooms.extend(of_host(&root));
    let mut checks = vec![tasks(&rooms, need)];
    checks.extend(memory(action));
    checks
}

/// As many as it had when it was last seen; a restart gives its own back first.
fn tasks_of(unit: &UnitName, action: &Action, ground: Ground<'_>) -> u64 {
    if action.interrupts() {
        return 1;
    }
    let track = ground.case.cgroups.get(&Owner::Unit(unit.clone()));
    track.and_then(|track| track.now.value.pids.max(track.first.pids)).unwrap_or(1).max(1)
}

/// The limit of the unit itself and of the slices above it.
async fn rooms_of(unit: &UnitName, ground: Ground<'_>) -> Vec<Room> {
    let mut rooms = Vec::new();
    let mut name = unit.clone();
    for _ in 0..8 {
        let Ok(facts) = unit::facts(&name, ground).await else { break };
        if let Some(max) = facts.tasks_max {
            let now = facts.tasks_current.unwrap_or_default();
            rooms.push(Room { of: name.to_string(), now, max });
        }
        let Ok(slice) = UnitName::new(facts.slice) else { break };
        name = slice;
    }
    rooms
}

fn tasks(rooms: &[Room], need: u64) -> Check {
    let Some(least) = rooms.iter().min_by_key(|room| room.left()) else {
        return Check::note(GUARD, "no limit of tasks could be read");
    };
    let Room { of, max, .. } = least;
    let left = least.left();
    if left < need {
        return Check::refused(
            GUARD,
            format!(
                "headroom {left} of {max} tasks in {of}, {need} are needed: new processes could \
                 not be made; end what is not needed or raise the limit first"
            ),
        );
    }
    Check::clear(GUARD, format!("{left} of {max} tasks are free in {of}"))
}

fn memory(action: &Action) -> Option<Check> {
    let sample = Meter::new().ok()?.memory()?;
    let mib = sample.available >> 20;
    if sample.available < LEAST && !action.interrupts() {
        return Some(Check::refused(
            GUARD,
            format!("only {mib} MiB of memory are available: whatever starts now may be killed"),
        ));
    }
    (sample.available < LITTLE)
        .then(|| Check::note(GUARD, format!("only {mib} MiB of memory are available")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::Regard;

    #[test]
    fn the_narrowest_limit_decides() {
        let room = |of: &str, now, max| Room { of: of.to_owned(), now, max };
        let rooms = [room("/a/b", 5, 7), room("/a", 100, 101), room("kernel.pid_max", 300, 4_000)];
        assert_eq!(tasks(&rooms, 1).regard, Regard::Clear);
        let refused = tasks(&rooms, 2);
        assert_eq!(refused.regard, Regard::Refused);
        assert!(refused.words.starts_with("headroom 1 of 101 tasks in /a"), "{}", refused.words);
        assert_eq!(tasks(&[], 2).regard, Regard::Note);
    }
}
