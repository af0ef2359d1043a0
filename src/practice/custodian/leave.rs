//! The end of a world: every process that descends from the custodian is killed.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    host::{pidfd::Held, proc},
    observation::RunState,
};

/// Rounds of killing: what is killed may have started something meanwhile.
const ROUNDS: u8 = 20;
/// How long one process may take to end.
const DYING: Duration = Duration::from_secs(2);

/// Kills them all, and waits for their end.
pub(super) fn end_all() {
    for _ in 0..ROUNDS {
        let all = descendants(std::process::id());
        if all.is_empty() {
            return;
        }
        let held: Vec<Held> = all.iter().filter_map(|pid| Held::open(*pid).ok()).collect();
        // Only what still descends from us after it is held is what was found.
        let still = descendants(std::process::id());
        for one in held.iter().filter(|one| still.contains(&one.pid())) {
            let _ = one.kill();
        }
        for one in held.iter().filter(|one| still.contains(&one.pid())) {
            let _ = one.wait(DYING);
        }
    }
}

/// Living processes below `root`.
fn descendants(root: u32) -> Vec<u32> {
    let mut below: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for pid in proc::pids().unwrap_or_default() {
        if let Ok(stat) = proc::stat(pid) {
            let dead = stat.state == RunState::Dead;
            // What has ended and was not reaped has no children any more: they came to us.
            if !dead {
                below.entry(stat.parent).or_default().push(pid);
            }
        }
    }
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        for child in below.remove(&pid).unwrap_or_default() {
            found.push(child);
            next.push(child);
        }
    }
    found
}
