//! The broker's loop.

use std::{io, sync::Arc, thread};

use tokio::{
    sync::mpsc,
    time::{Duration, Instant, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    host::{
        broker::{Receiver, Sender},
        clock,
    },
    observation::Moment,
    session::{Effect, Event, Knowledge, Model, update},
};

use super::{
    outbox::Outbox,
    words::{Ask, Said},
};
use crate::engine::{
    desk::Desk,
    pace::Pace,
    sources::{Options, Running, start},
};

/// Asks that wait at most; whoever asks more waits.
const ASKS: usize = 4;
/// Events folded before an ask is looked at.
const BATCH: usize = 256;
/// The broker's word that it lives.
const SECOND: Duration = Duration::from_secs(1);
/// Shortest time between two readings of the audit: the file can be long.
const READING: Duration = Duration::from_secs(1);
/// The threads of the line need little.
const STACK: usize = 128 * 1_024;

/// Waits for the screen's first ask, then runs the sources and tells what they see, until the screen
/// is gone, says something that is no ask, or has taken nothing for too long. What it may read is
/// decided by what it read before, and by `options`; no ask has a say in it.
///
/// # Errors
/// When its threads cannot be started.
pub async fn serve(options: &Options, desk: Desk, asks: Receiver, words: Sender) -> io::Result<()> {
    let (lane, mut asked) = mpsc::channel(ASKS);
    let outbox = Arc::new(Outbox::default());
    spawn("asks", move || listen(&asks, &lane))?;
    let own = Arc::clone(&outbox);
    spawn("words", move || tell(&own, &words))?;
    if asked.recv().await == Some(Ask::Hello) {
        Broker {
            model: Model::new(),
            knowledge: Knowledge::embedded(),
            running: start(options),
            pace: Pace::default(),
            read_at: None,
            desk,
            outbox: Arc::clone(&outbox),
        }
        .run(&mut asked)
        .await;
    }
    outbox.close();
    Ok(())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work).map(drop)
}

/// Passes asks on until the screen is gone or says what is none; then the lane closes.
fn listen(asks: &Receiver, lane: &mpsc::Sender<Ask>) {
    while let Ok(Some(byte)) = asks.ask() {
        let Some(ask) = Ask::of(byte) else { return };
        if lane.blocking_send(ask).is_err() {
            return;
        }
    }
}

/// Sends what waits until the screen is gone.
fn tell(outbox: &Outbox, words: &Sender) {
    while let Some(record) = outbox.next() {
        if words.record(&record).is_err() {
            outbox.close();
        }
    }
}

struct Broker {
    model: Model,
    knowledge: Knowledge,
    running: Running,
    pace: Pace,
    read_at: Option<Instant>,
    desk: Desk,
    outbox: Arc<Outbox>,
}

impl Broker {
    async fn run(mut self, asked: &mut mpsc::Receiver<Ask>) {
        let mut ticks = interval(SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while !self.outbox.is_closed() {
            let due = self.due();
            tokio::select! {
                biased;
                ask = asked.recv() => match ask {
                    Some(Ask::Audit) => self.read_audit(),
                    // A second greeting is none.
                    Some(Ask::Hello) | None => break,
                },
                _ = ticks.tick() => {
                    let now = clock::now();
                    self.fold(&Event::Tick(now));
                    self.say(&Said::Alive(now));
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.settle();
                }
                event = self.desk.next() => {
                    if let Event::Audit(lines) = event {
                        self.say(&Said::Audit(lines));
                    }
                }
                Some(event) = self.running.events.recv() => {
                    self.take(event);
                    for _ in 1..BATCH {
                        let Ok(event) = self.running.events.try_recv() else { break };
                        self.take(event);
                    }
                }
            }
        }
        self.running.tasks.abort_all();
    }

    fn due(&self) -> Option<Instant> {
        let news = self.model.has_news();
        self.model.is_stale().then(|| self.pace.settle_at(Instant::now(), self.swept(), news))
    }

    fn swept(&self) -> Option<u64> {
        let open = self.model.unswept(&self.running.ids);
        open.is_empty().then_some(self.model.attention.generation)
    }

    /// Folds what a source saw, and tells it: the screen folds the same in the same order.
    fn take(&mut self, event: Event) {
        self.fold(&event);
        if let Event::Seen(seen) = event {
            self.say(&Said::Seen(seen));
        }
    }

    fn settle(&mut self) {
        let swept = self.swept();
        self.fold(&Event::Settle);
        self.pace.settled(Instant::now(), swept);
        self.say(&Said::Settled(self.model.attention.generation));
    }

    fn fold(&mut self, event: &Event) {
        for effect in update(&mut self.model, event, self.knowledge) {
            if let Effect::Attend(attention) = effect {
                self.running.attention.send_replace(attention);
            }
        }
    }

    fn read_audit(&mut self) {
        let now = Instant::now();
        if self.read_at.is_none_or(|at| now - at >= READING) {
            self.read_at = Some(now);
            self.desk.read_audit();
        }
    }

    fn say(&self, said: &Said) {
        let now: Moment = self.model.case.now;
        self.outbox.push(said, now);
    }
}
