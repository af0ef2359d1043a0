//! What waits to be written to the history, in the order of time, however slow the disk is.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    action::incidents::Scribe,
    host::clock,
    session::history::{Entry, History},
};

/// Incidents that wait at most: more than a session watches.
const WAITING: usize = 64;

/// A scribe and what waits for it. A newer account of an incident takes the place of an older one.
#[derive(Debug)]
pub(super) struct Ledger {
    scribe: Mutex<Scribe>,
    waiting: Mutex<BTreeMap<u64, Entry>>,
}

impl Ledger {
    pub(super) const fn new(scribe: Scribe) -> Self {
        Self { scribe: Mutex::new(scribe), waiting: Mutex::new(BTreeMap::new()) }
    }

    /// Takes accounts in. Whether somebody has to be sent to write: not when somebody is on the way.
    pub(super) fn take(&self, entries: Vec<Entry>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let send = waiting.is_empty() && !entries.is_empty();
        waiting.extend(entries.into_iter().map(|entry| (entry.serial, entry)));
        while waiting.len() > WAITING {
            waiting.pop_first();
        }
        send
    }

    /// Writes what waits, and gives the history as it is then; `None` when nothing waits. Blocks.
    pub(super) fn write(&self) -> Option<History> {
        let mut scribe = self.scribe.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken only now: what came while another one wrote is newer.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let entries: Vec<Entry> = std::mem::take(&mut *waiting).into_values().collect();
        drop(waiting);
        (!entries.is_empty()).then(|| scribe.keep(&entries, clock::now().wall))
    }

    /// Reads the history, and sets it aside when it is damaged. Blocks.
    pub(super) fn open(&self) -> History {
        self.scribe.lock().unwrap_or_else(PoisonError::into_inner).open(clock::now().wall)
    }
}
