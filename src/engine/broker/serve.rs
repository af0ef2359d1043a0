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
    words::{HELLO, Said},
};
use crate::engine::{
    pace::Pace,
    sources::{Options, Running, start},
};

/// Bytes that wait at most; whoever sends more waits.
const ASKS: usize = 4;
/// Events folded before an ask is looked at.
const BATCH: usize = 256;
/// The broker's word that it lives.
const SECOND: Duration = Duration::from_secs(1);
/// The threads of the line need little.
const STACK: usize = 128 * 1_024;

/// Waits for the screen's greeting, then runs the sources and tells what they see, until the screen
/// is gone, says anything else, or has taken nothing for too long. What it may read is
/// decided by what it read before, and by `options`; the screen has no say in it.
///
/// # Errors
/// When its threads cannot be started.
pub async fn serve(options: &Options, asks: Receiver, words: Sender) -> io::Result<()> {
    let (lane, mut asked) = mpsc::channel(ASKS);
    let outbox = Arc::new(Outbox::default());
    spawn("asks", move || listen(&asks, &lane))?;
    let own = Arc::clone(&outbox);
    spawn("words", move || tell(&own, &words))?;
    if asked.recv().await == Some(HELLO) {
        Broker {
            model: Model::new(),
            knowledge: Knowledge::embedded(),
            running: start(options),
            pace: Pace::default(),
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

/// Passes bytes on until the screen is gone; then the lane closes.
fn listen(asks: &Receiver, lane: &mpsc::Sender<u8>) {
    while let Ok(Some(byte)) = asks.ask() {
        if lane.blocking_send(byte).is_err() {
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
    outbox: Arc<Outbox>,
}

impl Broker {
    async fn run(mut self, asked: &mut mpsc::Receiver<u8>) {
        let mut ticks = interval(SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while !self.outbox.is_closed() {
            let due = self.due();
            tokio::select! {
                biased;
                // It is gone, or said something: there is nothing to say after the greeting.
                _ = asked.recv() => break,
                _ = ticks.tick() => {
                    let now = clock::now();
                    self.fold(&Event::Tick(now));
                    self.say(&Said::Alive(now));
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.settle();
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
        let (begun, swept) = (Instant::now(), self.swept());
        self.fold(&Event::Settle);
        self.pace.settled(begun, begun.elapsed(), swept);
        self.say(&Said::Settled(self.model.attention.generation));
    }

    fn fold(&mut self, event: &Event) {
        for effect in update(&mut self.model, event, self.knowledge) {
            if let Effect::Attend(attention) = effect {
                self.running.attention.send_replace(attention);
            }
        }
    }

    fn say(&self, said: &Said) {
        let now: Moment = self.model.case.now;
        self.outbox.push(said, now);
    }
}
