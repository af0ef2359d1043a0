//! What the executor says. Whoever listens may be stopped or gone, and what was begun goes on: nothing
//! here waits for a reader but the very end, and that not for long.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use crate::{engine::recovery::Say, remedy::Progress};

/// Words that wait at most.
const WAITING: usize = 256;
/// How long the last words wait for a reader that is stopped (Ctrl-Z).
const PARTING: Duration = Duration::from_secs(30);

/// Says things on stdout, from a thread of its own.
pub(super) struct Voice {
    lane: SyncSender<Vec<u8>>,
    unsaid: Arc<AtomicUsize>,
    over: Receiver<()>,
}

impl Voice {
    pub(super) fn new() -> Self {
        let (lane, words) = sync_channel::<Vec<u8>>(WAITING);
        let (end, over) = sync_channel::<()>(0);
        let unsaid = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&unsaid);
        thread::spawn(move || {
            // It ends the wait by being dropped.
            let _end = end;
            let mut out = io::stdout().lock();
            for line in words {
                if out.write_all(&line).and_then(|()| out.flush()).is_err() {
                    return;
                }
                left.fetch_sub(1, Ordering::Relaxed);
            }
        });
        Self { lane, unsaid, over }
    }

    /// Waits until everything is said, nobody listens any more, or the patience ends.
    pub(super) fn finish(self) {
        let Self { lane, over, .. } = self;
        drop(lane);
        // Nothing is ever sent: it returns when the thread has ended, or late.
        let _ = over.recv_timeout(PARTING);
    }
}

impl Say for Voice {
    fn say(&mut self, progress: Progress) {
        let passing = matches!(progress, Progress::Watching { .. } | Progress::Keeping { .. });
        // The next one says the same of a later moment.
        if passing && self.unsaid.load(Ordering::Relaxed) > 0 {
            return;
        }
        let Ok(mut line) = serde_json::to_vec(&progress) else { return };
        line.push(b'\n');
        self.unsaid.fetch_add(1, Ordering::Relaxed);
        if self.lane.try_send(line).is_err() {
            self.unsaid.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
