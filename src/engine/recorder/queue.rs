//! What waits to be written: bounded, and what is thrown away says so.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    observation::{Gap, Moment, Observation, Seen, SourceId, Text},
    session::recording::Entry,
};

/// Lines of logs that wait at most.
const LINES: usize = 8_192;
/// Bytes that wait at most, estimated; a disk that takes nothing for so long loses the rest.
const BYTES: usize = 32 << 20;
/// So many wake the thread before its second is over.
const MANY: usize = 2_048;
/// Lines that are kept of a flood: so many at once, and then so many a second.
const BURST: u64 = 10_000;
const EACH_SECOND: u64 = 1_000;

/// Entries between the session and the thread that writes them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    lines: usize,
    bytes: usize,
    /// What was thrown away since the last gap that was told, by who saw it.
    shed: BTreeMap<SourceId, u64>,
    flood: Flood,
    is_urgent: bool,
    is_closed: bool,
}

/// How many lines may still be kept.
#[derive(Debug, Default)]
struct Flood {
    second: u64,
    taken: u64,
}

/// What the thread gets.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) entries: VecDeque<Entry>,
    /// Nothing more comes.
    pub(super) is_last: bool,
}

impl Queue {
    /// Takes an entry. Lines of logs are thrown away and counted where they come too fast; states,
    /// kills and deeds only where the disk takes nothing any more.
    pub(super) fn push(&self, entry: Entry) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        let seen = match &entry {
            Entry::Seen(seen) => Some(&**seen),
            _ => None,
        };
        let is_line = seen.is_some_and(|seen| is_line(&seen.seen));
        if let Some(seen) = seen {
            let many = is_line && (state.lines >= LINES || !state.flood.admits(seen.at));
            if many || state.bytes >= BYTES {
                *state.shed.entry(seen.source).or_default() += 1;
                return;
            }
            if !state.shed.is_empty() && state.lines < LINES / 2 {
                state.tell(seen.at);
            }
        }
        state.is_urgent |= seen.is_none();
        state.lines += usize::from(is_line);
        state.bytes += weight(&entry);
        state.entries.push_back(entry);
        let wakes = state.is_urgent || state.entries.len() >= MANY;
        drop(state);
        if wakes {
            self.more.notify_one();
        }
    }

    /// What has come, after at most so long.
    pub(super) fn take(&self, longest: Duration) -> Batch {
        let idle =
            |state: &mut State| !state.is_urgent && !state.is_closed && state.entries.len() < MANY;
        let waited = self.more.wait_timeout_while(self.lock(), longest, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (state.lines, state.bytes, state.is_urgent) = (0, 0, false);
        let at = state.entries.back().map(Entry::at);
        if let Some(at) = at {
            state.tell(at);
        }
        Batch { entries: std::mem::take(&mut state.entries), is_last: state.is_closed }
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.more.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Says what was thrown away.
    fn tell(&mut self, at: Moment) {
        for (source, lines) in std::mem::take(&mut self.shed) {
            self.entries.push_back(gap(source, lines, at, "more came than is recorded"));
        }
    }
}

impl Flood {
    fn admits(&mut self, at: Moment) -> bool {
        let second = at.boot.0 / 1_000_000;
        let passed = second.saturating_sub(self.second);
        self.taken = self.taken.saturating_sub(passed.saturating_mul(EACH_SECOND));
        self.second = self.second.max(second);
        let admits = self.taken < BURST;
        self.taken += u64::from(admits);
        admits
    }
}

/// What was not recorded.
pub(super) fn gap(source: SourceId, lines: u64, at: Moment, why: &str) -> Entry {
    let what = Text::from("observations on their way into the recording");
    let gap = Gap { source, what, lines, bytes: 0, why: Text::new(why) };
    Entry::Seen(Box::new(Observation { at, source, seen: Seen::Gap(gap) }))
}

/// What comes in floods.
pub(super) const fn is_line(seen: &Seen) -> bool {
    matches!(seen, Seen::Log(_) | Seen::Access(_) | Seen::Traffic(_))
}

/// About how many bytes it takes in memory.
fn weight(entry: &Entry) -> usize {
    const SMALL: usize = 512;
    let Entry::Seen(seen) = entry else { return SMALL };
    let (many, each) = match &seen.seen {
        Seen::Processes(all) => (all.len(), 512),
        Seen::Config(config) => (config.upstreams.len(), 2_048),
        Seen::Listeners(table) => (table.listeners.len(), 256),
        Seen::Changes(all) => (all.len(), 512),
        Seen::Log(line) => (1, line.text.raw().len()),
        _ => (0, 0),
    };
    SMALL + many.saturating_mul(each)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Boot, LogLine, Origin, Program, Wall};

    fn at(secs: u64) -> Moment {
        Moment { wall: Wall(0), boot: Boot(secs * 1_000_000) }
    }

    fn seen(secs: u64, seen: Seen) -> Entry {
        Entry::Seen(Box::new(Observation { at: at(secs), source: SourceId::Logs, seen }))
    }

    fn line(secs: u64) -> Entry {
        let origin = Origin::File(Text::from("/var/log/x"));
        let text = Text::from("x");
        seen(
            secs,
            Seen::Log(LogLine { program: Program::Nginx, origin, gateway: None, at: None, text }),
        )
    }

    #[test]
    fn a_flood_of_lines_is_cut_and_counted_and_states_and_deeds_are_kept() {
        let queue = Queue::default();
        for _ in 0..20_000 {
            queue.push(line(1));
        }
        queue.push(seen(1, Seen::Sighted));
        queue.push(Entry::End { at: at(1), why: Text::default() });
        let batch = queue.take(Duration::ZERO);
        assert_eq!(batch.entries.len(), LINES + 3);
        let gaps: u64 = batch.entries.iter().filter_map(lines_of).sum();
        assert_eq!(gaps, 20_000 - LINES as u64);
    }

    #[test]
    fn a_flood_that_goes_on_is_kept_at_its_rate() {
        let queue = Queue::default();
        let (mut kept, mut lost) = (0_u64, 0_u64);
        for second in 0..40 {
            for _ in 0..4_000 {
                queue.push(line(second));
            }
            let batch = queue.take(Duration::ZERO);
            lost += batch.entries.iter().filter_map(lines_of).sum::<u64>();
            kept += batch.entries.iter().filter(|entry| lines_of(entry).is_none()).count() as u64;
        }
        assert_eq!(kept + lost, 160_000);
        assert_eq!(kept, BURST + 39 * EACH_SECOND);
    }

    #[test]
    fn a_disk_that_takes_nothing_fills_no_memory() {
        let queue = Queue::default();
        for _ in 0..200_000 {
            queue.push(seen(1, Seen::Sighted));
        }
        let batch = queue.take(Duration::ZERO);
        assert!(batch.entries.len() <= BYTES / 512 + 2);
        assert!(batch.entries.iter().any(|entry| lines_of(entry).is_some()));
    }

    fn lines_of(entry: &Entry) -> Option<u64> {
        match entry {
            Entry::Seen(seen) => match &seen.seen {
                Seen::Gap(gap) => Some(gap.lines),
                _ => None,
            },
            _ => None,
        }
    }
}
