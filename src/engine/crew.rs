//! What lets a session act: it starts the processes that carry plans out, and brings what they say
//! onto the session's queue. A session that only looks has none, and so no way to act.

use std::{ffi::OsString, io};

use tokio::{runtime::Handle, sync::mpsc};

use crate::{
    host::executor::{self, Executor},
    remedy::{Order, Progress},
    session::Event,
};

/// Words that wait at most; who says them waits longer.
const SAID: usize = 64;
/// Orders that wait at most.
const ORDERS: usize = 8;

/// Starts executors, one at a time.
#[derive(Debug)]
pub struct Crew {
    runtime: Handle,
    words: Vec<OsString>,
    say: mpsc::Sender<(u64, Event)>,
    said: mpsc::Receiver<(u64, Event)>,
    orders: Option<mpsc::Sender<Order>>,
    /// Which executor is listened to; what an abandoned one still says is not told.
    current: u64,
}

impl Crew {
    /// A crew whose executors run with these words of a command line. Its tasks run on `runtime`,
    /// which must have I/O.
    pub fn new(runtime: Handle, words: Vec<OsString>) -> Self {
        let (say, said) = mpsc::channel(SAID);
        Self { runtime, words, say, said, orders: None, current: 0 }
    }

    /// Starts an executor with its first order. One that has been confirmed goes on by itself.
    pub fn start(&mut self, first: Order) {
        let (orders, rest) = mpsc::channel(ORDERS);
        self.current += 1;
        self.orders = Some(orders);
        let (ticket, say, words) = (self.current, self.say.clone(), self.words.clone());
        self.runtime.spawn(async move {
            if let Err(error) = serve(&words, first, rest, ticket, &say).await {
                let why = format!("the process that carries it out failed: {error}");
                drop(say.send((ticket, Event::Lost(why))).await);
            }
        });
    }

    /// Gives a further order; there is none to give to when nothing runs.
    pub fn send(&mut self, order: Order) {
        let lost = match &self.orders {
            Some(orders) => orders.try_send(order).is_err(),
            None => true,
        };
        if lost {
            let why = "the process that carries it out is gone".to_owned();
            drop(self.say.try_send((self.current, Event::Lost(why))));
        }
    }

    /// Listens no longer. What was not confirmed is not done.
    pub fn abandon(&mut self) {
        self.orders = None;
        self.current += 1;
    }

    /// What an executor says next. May be cancelled.
    pub async fn next(&mut self) -> Event {
        loop {
            match self.said.recv().await {
                Some((ticket, event)) if ticket == self.current => return event,
                Some(_) => {}
                // The crew holds a sender itself.
                None => std::future::pending().await,
            }
        }
    }
}

async fn serve(
    words: &[OsString],
    first: Order,
    mut orders: mpsc::Receiver<Order>,
    ticket: u64,
    say: &mpsc::Sender<(u64, Event)>,
) -> io::Result<()> {
    let rights = executor::rights(words).await;
    let mut executor = Executor::start(&rights, words)?;
    executor.send(&first).await?;
    let mut open = true;
    loop {
        tokio::select! {
            order = orders.recv(), if open => {
                if let Some(order) = order {
                    executor.send(&order).await?;
                } else {
                    open = false;
                    executor.close();
                }
            }
            said = executor.next() => {
                let Some(progress) = said? else {
                    return Err(io::Error::other("it ended without a word"));
                };
                let over = matches!(progress, Progress::End { .. });
                let event = Event::Progress(Box::new(progress));
                if say.send((ticket, event)).await.is_err() || over {
                    return Ok(());
                }
            }
        }
    }
}
