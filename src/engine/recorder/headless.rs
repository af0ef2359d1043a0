//! A session that is recorded without a screen.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use crate::{
    engine::sources::{Options, Running, start},
    host::clock,
    session::{Effect, Event, Knowledge, Model, update},
};

use super::{PATIENCE, Recorder, Setup};

/// How often what came in is diagnosed, while there is news.
const SETTLE: Duration = Duration::from_millis(250);
/// Of these, every fourth is the clock.
const SECOND: u32 = 4;

/// What came of it.
#[derive(Debug)]
pub struct Recorded {
    /// What was seen, as of the end.
    pub model: Model,
    /// Where it stands, or why nothing more could be written.
    pub place: Result<String, String>,
}

/// Looks and records for so long, or until `stop`, or until it can be written no more. `None` where
/// no thread can be had.
pub async fn record(
    options: &Options,
    setup: Setup,
    span: Option<Duration>,
    stop: impl Future<Output = ()>,
) -> Option<Recorded> {
    let running = start(options);
    let recorder = Recorder::start(setup, running.ids.clone())?;
    let mut session = Session { model: Model::new(), running, recorder };
    let end = span.map(|span| Instant::now() + span);
    let work = session.run();
    tokio::select! {
        () = stop => {}
        () = async {
            match end {
                Some(end) => drop(timeout_at(end, work).await),
                None => work.await,
            }
        } => {}
    }
    session.running.tasks.abort_all();
    let unknown = || Err("nothing was written".to_owned());
    let place = session.recorder.finish("its time was over", PATIENCE).unwrap_or_else(unknown);
    Some(Recorded { model: session.model, place })
}

struct Session {
    model: Model,
    running: Running,
    recorder: Recorder,
}

impl Session {
    /// Ends when nothing can be written any more.
    async fn run(&mut self) {
        let knowledge = Knowledge::embedded();
        let mut ticks = interval(SETTLE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut turn = 0_u32;
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => {
                    turn = turn.wrapping_add(1);
                    let second = turn.is_multiple_of(SECOND);
                    if second {
                        self.fold(&Event::Tick(clock::now()), knowledge);
                    }
                    if second || self.model.has_news() {
                        self.fold(&Event::Settle, knowledge);
                        self.recorder.settled(&self.model);
                    }
                    if matches!(self.recorder.status(), Some(Err(_))) {
                        return;
                    }
                }
                Some(event) = self.running.events.recv() => self.fold(&event, knowledge),
            }
        }
    }

    fn fold(&mut self, event: &Event, knowledge: Knowledge) {
        self.recorder.event(event);
        for effect in update(&mut self.model, event, knowledge) {
            if let Effect::Attend(attention) = effect {
                self.running.attention.send_replace(attention);
            }
        }
    }
}
