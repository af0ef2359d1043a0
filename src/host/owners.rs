//! Who holds a socket: the processes that have a descriptor of it. A steady state costs one
//! directory listing and one readlink(2) per known descriptor, of thousands a share in turn;
//! everything is searched only when a socket is new, when its last owner is gone, and every half
//! minute.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{files::FileError, proc};
use crate::observation::Boot;

/// Most descriptors looked at in one search, over all processes.
const MOST_DESCRIPTORS: usize = 400_000;
/// Sockets whose descriptors are looked at in one call, whatever their number; of more, the next ones
/// in turn. Those of a process that has ended, or whose pid is another's, are always let go.
const MOST_LOOKED_AT: usize = 512;
/// Seconds after which everything is searched again.
const SEARCH_AGAIN: u64 = 30;
/// Seconds between two searches, whatever happens.
const SEARCH_PAUSE: u64 = 2;

/// Owners of the wanted sockets, kept between calls.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// Inode → pid → descriptor. A wanted socket that nobody was found for has an empty entry.
    held: HashMap<u64, BTreeMap<u32, u32>>,
    searched_pids: HashSet<u32>,
    /// When each owner began, in ticks.
    began: HashMap<u32, u64>,
    /// The inode that was looked at last.
    looked_at: u64,
    denied: usize,
    cut: bool,
    searched_at: Option<Boot>,
}

impl Owners {
    /// Brings the owners of `wanted` up to date. `hurry` allows a full search even when the last
    /// one was a moment ago.
    ///
    /// # Errors
    /// When `/proc` cannot be listed.
    pub fn update(
        &mut self,
        wanted: &HashSet<u64>,
        now: Boot,
        hurry: bool,
    ) -> Result<(), FileError> {
        let pids = proc::pids()?;
        self.held.retain(|inode, _| wanted.contains(inode));
        let began = |pid: u32| proc::stat(pid).ok().map(|stat| stat.start_ticks);
        let known = std::mem::take(&mut self.began);
        let same: HashMap<u32, u64> =
            known.into_iter().filter(|(pid, ticks)| began(*pid) == Some(*ticks)).collect();
        let turn = self.turn();
        let mut lost = false;
        for (inode, owners) in &mut self.held {
            let had = !owners.is_empty();
            let look = turn.as_ref().is_none_or(|turn| turn.contains(inode));
            owners.retain(|pid, descriptor| {
                same.contains_key(pid) && (!look || proc::holds(*pid, *descriptor, *inode))
            });
            lost |= had && owners.is_empty();
        }
        let unknown = wanted.iter().any(|inode| !self.held.contains_key(inode));
        let age = self.searched_at.map(|at| now.secs_since(at));
        let due = age.is_none_or(|age| {
            age >= SEARCH_AGAIN || ((lost || unknown) && (hurry || age >= SEARCH_PAUSE))
        });
        if due {
            self.searched_at = Some(now);
            self.searched_pids.clear();
            (self.denied, self.cut) = (0, false);
            self.held = wanted.iter().map(|&inode| (inode, BTreeMap::new())).collect();
        }
        let alive: HashSet<u32> = pids.iter().copied().collect();
        self.searched_pids.retain(|pid| alive.contains(pid));
        self.search(&pids);
        let owners: BTreeSet<u32> =
            self.held.values().flat_map(|owners| owners.keys().copied()).collect();
        let since = |pid: u32| Some((pid, same.get(&pid).copied().or_else(|| began(pid))?));
        self.began = owners.into_iter().filter_map(since).collect();
        Ok(())
    }

    /// The sockets whose turn it is; `None` for all of them.
    fn turn(&mut self) -> Option<HashSet<u64>> {
        if self.held.len() <= MOST_LOOKED_AT {
            return None;
        }
        let mut inodes: Vec<u64> = self.held.keys().copied().collect();
        inodes.sort_unstable();
        let from = inodes.partition_point(|inode| *inode <= self.looked_at);
        let next = inodes.iter().cycle().skip(from).take(MOST_LOOKED_AT);
        let turn: HashSet<u64> = next.copied().collect();
        self.looked_at = inodes.iter().cycle().nth(from + MOST_LOOKED_AT - 1).copied().unwrap_or(0);
        Some(turn)
    }

    /// Looks into every process that has not been looked into yet.
    fn search(&mut self, pids: &[u32]) {
        let mut left = MOST_DESCRIPTORS;
        for &pid in pids {
            if !self.searched_pids.insert(pid) {
                continue;
            }
            if left == 0 {
                self.cut = true;
                return;
            }
            match proc::sockets(pid, left) {
                Ok((sockets, count)) => {
                    left = left.saturating_sub(count.max(1));
                    for (descriptor, inode) in sockets {
                        if let Some(owners) = self.held.get_mut(&inode) {
                            owners.entry(pid).or_insert(descriptor);
                        }
                    }
                }
                Err(FileError::Denied) => self.denied += 1,
                Err(_) => {}
            }
        }
    }

    /// Pids that hold a socket, ascending.
    pub fn of(&self, inode: u64) -> Vec<u32> {
        self.held.get(&inode).map(|owners| owners.keys().copied().collect()).unwrap_or_default()
    }

    /// Whether every one of `inodes` has an owner, or at least everybody could be asked.
    pub fn complete(&self, inodes: &BTreeSet<u64>) -> bool {
        (self.denied == 0 && !self.cut)
            || inodes.iter().all(|inode| self.held.get(inode).is_some_and(|o| !o.is_empty()))
    }

    /// How many processes did not let us look, and whether the search was cut.
    pub fn unseen(&self) -> (usize, bool) {
        (self.denied, self.cut)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, os::fd::AsRawFd};

    use super::*;

    fn inode_of(listener: &TcpListener) -> u64 {
        let (sockets, _) = proc::sockets(std::process::id(), 10_000).unwrap();
        let fd = u32::try_from(listener.as_raw_fd()).unwrap();
        sockets.into_iter().find(|(number, _)| *number == fd).unwrap().1
    }

    #[test]
    fn the_owner_of_a_socket_is_found_and_forgotten_when_it_lets_go() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let inode = inode_of(&listener);
        let wanted = HashSet::from([inode]);
        let mut owners = Owners::default();
        owners.update(&wanted, Boot(1), true).unwrap();
        assert_eq!(owners.of(inode), [std::process::id()]);
        assert!(owners.complete(&BTreeSet::from([inode])));
        drop(listener);
        owners.update(&wanted, Boot(2), false).unwrap();
        assert!(owners.of(inode).is_empty());
    }

    #[test]
    fn a_socket_that_appears_later_is_found_at_once_when_it_is_urgent() {
        let mut owners = Owners::default();
        owners.update(&HashSet::new(), Boot(1), false).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let inode = inode_of(&listener);
        owners.update(&HashSet::from([inode]), Boot(2), false).unwrap();
        assert!(owners.of(inode).is_empty());
        owners.update(&HashSet::from([inode]), Boot(3), true).unwrap();
        assert_eq!(owners.of(inode), [std::process::id()]);
    }

    #[test]
    fn of_thousands_of_sockets_each_has_its_turn() {
        let mut owners = Owners::default();
        owners.held = (1..=1_200_u64).map(|inode| (inode, BTreeMap::new())).collect();
        let mut seen = HashSet::new();
        for _ in 0..3 {
            let turn = owners.turn().unwrap();
            assert_eq!(turn.len(), MOST_LOOKED_AT);
            seen.extend(turn);
        }
        assert_eq!(seen.len(), 1_200);
        owners.held.retain(|inode, _| *inode <= 9);
        assert!(owners.turn().is_none());
    }
}
