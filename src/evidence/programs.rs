//! What a session remembers of managed programs: where they listened, and when their managers
//! started them again.

use std::collections::{BTreeMap, VecDeque};

use crate::observation::{Address, Manager, ProgramId, Wall};

/// Addresses remembered.
const ADDRESSES: usize = 4_096;
/// Programs whose restarts are remembered.
const PROGRAMS: usize = 2_048;
/// Restarts remembered of one program.
const RESTARTS: usize = 64;

/// A counter of restarts and the moments at which it rose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Track {
    last: u64,
    rises: VecDeque<Wall>,
}

/// The memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramBook {
    served: BTreeMap<Address, ProgramId>,
    tracks: BTreeMap<ProgramId, Track>,
}

impl ProgramBook {
    /// Takes in the counters of a manager's programs.
    pub(super) fn admit(&mut self, manager: &Manager, at: Wall) {
        for program in &manager.programs {
            let Some(count) = program.restarts else { continue };
            if self.tracks.len() >= PROGRAMS && !self.tracks.contains_key(&program.id) {
                continue;
            }
            let track = self
                .tracks
                .entry(program.id.clone())
                .or_insert_with(|| Track { last: count, rises: VecDeque::new() });
            for _ in track.last..count.min(track.last.saturating_add(RESTARTS as u64)) {
                if track.rises.len() >= RESTARTS {
                    track.rises.pop_front();
                }
                track.rises.push_back(at);
            }
            track.last = count;
        }
    }

    /// Remembers who listened at an address.
    pub(super) fn serves(&mut self, address: &Address, id: ProgramId) {
        let known = self.served.contains_key(address);
        if known || self.served.len() < ADDRESSES {
            self.served.insert(address.clone(), id);
        }
    }

    /// Who was seen listening at an address in this session.
    pub fn served(&self, address: &Address) -> Option<&ProgramId> {
        self.served.get(address)
    }

    /// Restarts seen since a moment.
    pub fn restarts_since(&self, id: &ProgramId, since: Wall) -> usize {
        let track = self.tracks.get(id);
        track.map_or(0, |track| track.rises.iter().filter(|at| **at >= since).count())
    }
}
