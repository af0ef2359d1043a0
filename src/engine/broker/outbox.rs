//! What waits for a screen: bounded, and what is thrown away says so.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::observation::{Gap, Moment, Observation, Seen, SourceId, Text};

use super::words::Said;

/// Bytes that wait before lines of logs are thrown away.
const SHED: usize = 2 << 20;
/// Bytes that wait before the screen is given up: it has taken nothing for a long time.
const MOST: usize = 32 << 20;

/// Records between the broker's fold and the thread that sends them.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines thrown away since the last gap that was told, by who read them.
    shed: BTreeMap<SourceId, u64>,
    closed: bool,
}

impl Outbox {
    /// Takes what is to be said. While the screen does not keep up, lines of logs are thrown away
    /// and counted, and so is what the next second says again; what is seen once, and every state,
    /// is kept.
    pub(super) fn push(&self, said: &Said, now: Moment) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        if state.bytes >= SHED {
            match said {
                Said::Seen(seen) if is_line(&seen.seen) => {
                    *state.shed.entry(seen.source).or_default() += 1;
                    return;
                }
                Said::Alive(_) | Said::Settled(_) => return,
                Said::Seen(_) => {}
            }
        } else {
            for (source, lines) in std::mem::take(&mut state.shed) {
                state.add(gap(source, lines, now).record());
            }
        }
        state.add(said.record());
        drop(state);
        self.more.notify_one();
    }

    /// Waits for the next record; `None` when it is over.
    pub(super) fn next(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(record) = state.records.pop_front() {
                state.bytes -= record.len().min(state.bytes);
                return Some(record);
            }
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the screen was given up, or is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Nothing more is said.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, record: Vec<u8>) {
        self.bytes += record.len();
        self.closed |= self.bytes > MOST;
        self.records.push_back(record);
    }
}

/// What comes in floods.
const fn is_line(seen: &Seen) -> bool {
    matches!(seen, Seen::Log(_) | Seen::Access(_) | Seen::Traffic(_))
}

fn gap(source: SourceId, lines: u64, now: Moment) -> Said {
    let gap = Gap {
        source,
        what: Text::from("lines on their way to the screen"),
        lines,
        bytes: 0,
        why: Text::from("the screen did not keep up"),
    };
    Said::Seen(Box::new(Observation { at: now, source, seen: Seen::Gap(gap) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{BlindSpot, GatewayId, Traffic, Wall};

    const LARGE: usize = 60_000;

    fn seen(seen: Seen) -> Said {
        let (at, source) = (Moment::default(), SourceId::Logs);
        Said::Seen(Box::new(Observation { at, source, seen }))
    }

    /// A large state, of a kind that is never thrown away.
    fn state() -> Said {
        seen(Seen::Blind(BlindSpot {
            source: SourceId::Logs,
            what: Text::new("x".repeat(LARGE)),
            why: Text::default(),
            hides: Text::default(),
            grant: Text::default(),
        }))
    }

    fn line() -> Said {
        seen(Seen::Traffic(Traffic {
            gateway: GatewayId(Text::from("nginx:/etc/nginx/nginx.conf")),
            log: Text::from("/var/log/nginx/access.log"),
            at: Wall(0),
            by_status: BTreeMap::from([(502, 7)]),
        }))
    }

    fn said(outbox: &Outbox) -> Said {
        Said::of(&outbox.next().unwrap()).unwrap()
    }

    fn fill(outbox: &Outbox) -> usize {
        let mut count = 0;
        while outbox.lock().bytes < SHED {
            outbox.push(&state(), Moment::default());
            count += 1;
        }
        count
    }

    #[test]
    fn a_screen_that_does_not_keep_up_loses_lines_and_is_told_how_many() {
        let outbox = Outbox::default();
        let filled = fill(&outbox);
        for _ in 0..1_000 {
            outbox.push(&line(), Moment::default());
            outbox.push(&Said::Alive(Moment::default()), Moment::default());
        }
        outbox.push(&seen(Seen::Sighted), Moment::default());
        for _ in 0..filled {
            said(&outbox);
        }
        assert_eq!(said(&outbox), seen(Seen::Sighted), "what is seen once is kept");
        outbox.push(&Said::Settled(1), Moment::default());
        let Said::Seen(gap) = said(&outbox) else { panic!("no gap") };
        assert!(matches!(gap.seen, Seen::Gap(gap) if gap.lines == 1_000));
        assert_eq!(said(&outbox), Said::Settled(1));
    }

    #[test]
    fn a_screen_that_takes_nothing_is_given_up_before_memory_is() {
        let outbox = Outbox::default();
        let mut pushed = 0;
        while !outbox.is_closed() {
            outbox.push(&state(), Moment::default());
            pushed += LARGE;
            assert!(pushed <= 2 * MOST, "never given up");
        }
        assert!(outbox.next().is_none());
    }
}
