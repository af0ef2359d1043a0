//! Processes and what descends from them.

use crate::host::files::Root;

/// Processes of one program.
const MOST: usize = 256;
/// Bytes of one list of children.
const LIMIT: u64 = 64 * 1024;
/// Threads of one process whose children are asked for.
const THREADS: usize = 64;

/// `pids` and all their descendants, ascending, as far as they may be seen.
pub(super) fn descendants(pids: &[u32]) -> Vec<u32> {
    let mut all: Vec<u32> = pids.to_vec();
    let mut at = 0;
    while let Some(pid) = all.get(at).copied() {
        at += 1;
        for child in children(pid) {
            if all.len() < MOST && !all.contains(&child) {
                all.push(child);
            }
        }
    }
    all.sort_unstable();
    all
}

fn children(pid: u32) -> Vec<u32> {
    let root = Root::default();
    let folder = format!("/proc/{pid}/task");
    let threads = root.list(&folder, THREADS).map(|(names, _)| names).unwrap_or_default();
    let lists = threads
        .iter()
        .filter_map(|thread| root.read_text(format!("{folder}/{thread}/children"), LIMIT).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|pid| pid.parse().ok())
        .collect()
}
