//! How many more tasks may be made (cgroup pids controller, `threads-max`, `pid_max`).

use super::{
    cgroup::{Hierarchies, Membership, folder},
    files::Root,
};

/// Most groups above one another.
const DEEP: usize = 32;

/// A limit of tasks and how far it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// What is limited: a group's path, or the kernel's setting.
    pub of: String,
    /// Tasks now.
    pub now: u64,
    /// Most tasks.
    pub max: u64,
}

impl Room {
    /// Tasks that may still be made.
    pub const fn left(&self) -> u64 {
        self.max.saturating_sub(self.now)
    }
}

/// The limits of the group of a process and of the groups above it, nearest first; those without a
/// limit are left out.
pub fn of_process(root: &Root, pid: u32) -> Vec<Room> {
    let Ok(hierarchies) = Hierarchies::read(root) else { return Vec::new() };
    let Ok(membership) = Membership::of(root, pid) else { return Vec::new() };
    let v1 = hierarchies.v1.get("pids").zip(membership.v1.get("pids"));
    let place = v1.or(hierarchies.unified.as_ref().zip(membership.unified.as_ref()));
    let Some((mount, path)) = place else { return Vec::new() };
    let mut path = path.trim_end_matches('/');
    let mut rooms = Vec::new();
    for _ in 0..DEEP {
        if path.is_empty() {
            break;
        }
        rooms.extend(folder(root, mount, path).and_then(|real| room(root, &real, path)));
        path = path.rsplit_once('/').map_or("", |(above, _)| above);
    }
    rooms
}

fn room(root: &Root, folder: &str, path: &str) -> Option<Room> {
    let number = |file: &str| {
        root.read_text(format!("{folder}/{file}"), 64).ok()?.trim().parse::<u64>().ok()
    };
    Some(Room { of: path.to_owned(), now: number("pids.current")?, max: number("pids.max")? })
}

/// The kernel's own limits.
pub fn of_host(root: &Root) -> Vec<Room> {
    let number = |file: &str| {
        root.read_text(format!("/proc/sys/kernel/{file}"), 64).ok()?.trim().parse::<u64>().ok()
    };
    let load = root.read_text("/proc/loadavg", 256).unwrap_or_default();
    let Some(now) = tasks(&load) else { return Vec::new() };
    ["pid_max", "threads-max"]
        .iter()
        .filter_map(|file| Some(Room { of: format!("kernel.{file}"), now, max: number(file)? }))
        .collect()
}

/// `0.1 0.2 0.3 2/431 9877`: tasks that exist after the slash (proc(5)).
fn tasks(load: &str) -> Option<u64> {
    load.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_says_how_many_tasks_there_are_and_may_be() {
        let rooms = of_host(&Root::default());
        assert_eq!(rooms.len(), 2);
        assert!(rooms.iter().all(|room| room.now > 0 && room.left() > 0), "{rooms:?}");
        assert_eq!(tasks("0.10 0.20 0.30 2/431 9877\n"), Some(431));
        assert_eq!(tasks("0.10"), None);
    }
}
