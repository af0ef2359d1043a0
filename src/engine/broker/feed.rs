//! The screen's end: what the broker says becomes events.

use std::{io, sync::Arc, thread};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    host::broker::{Receiver, Sender},
    observation::SourceId,
    session::{Attention, BrokerWord, Event},
};

use super::words::{HELLO, Said};
use crate::engine::sources::Running;

/// Events that wait at most; then the broker waits, and throws lines away by its own rule.
const QUEUE: usize = 1_024;
/// Observations are nested, but not deeply.
const STACK: usize = 512 * 1_024;

/// What a broker says, on a queue.
#[derive(Debug)]
pub struct Feed {
    running: Running,
}

impl Feed {
    /// Greets a broker and listens to it, on a thread of its own: a locked process has no runtime
    /// that could.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn open(words: Receiver, asks: &Sender) -> io::Result<Self> {
        let (queue, events) = mpsc::channel(QUEUE);
        // Nobody here looks at anything: what the fold wants to be looked at, the broker knows.
        let (attention, _) = watch::channel(Arc::new(Attention::default()));
        let ids = SourceId::ALL.to_vec();
        let lane = queue.clone();
        let running = Running { events, queue, attention, ids, tasks: JoinSet::new() };
        thread::Builder::new()
            .name("broker".to_owned())
            .stack_size(STACK)
            .spawn(move || listen(&words, &lane))?;
        // The other end of this line stays open through `words`.
        asks.ask(HELLO);
        Ok(Self { running })
    }

    pub(in crate::engine) fn running(self) -> Running {
        self.running
    }
}

/// Passes on what is said until there is no more, and says that.
fn listen(words: &Receiver, lane: &mpsc::Sender<Event>) {
    let why = loop {
        let said = match words.record() {
            Ok(Some(record)) => Said::of(&record),
            Ok(None) => break "it ended".to_owned(),
            Err(error) => break error.to_string(),
        };
        match said {
            Ok(said) => {
                if lane.blocking_send(said.event()).is_err() {
                    return;
                }
            }
            Err(_) => break "it said what is no word of it".to_owned(),
        }
    };
    drop(lane.blocking_send(Event::Broker(BrokerWord::Gone(why))));
}
