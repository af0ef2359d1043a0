//! How a source publishes.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::{
    host::clock,
    observation::{BlindSpot, Observation, Seen, SourceId, Text},
    session::{Attention, Event},
};

/// The newest attention; a source waits on it with `changed()`.
pub type AttentionWatch = watch::Receiver<Arc<Attention>>;

/// The session has ended; the source should return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct Closed;

/// One source's end of the ordered queue. Publishing waits when the queue is full, so a slow
/// fold slows the sources and nothing is lost on the way.
#[derive(Clone, Debug)]
pub struct Outlet {
    source: SourceId,
    queue: mpsc::Sender<Event>,
}

impl Outlet {
    /// An outlet for one source.
    pub const fn new(source: SourceId, queue: mpsc::Sender<Event>) -> Self {
        Self { source, queue }
    }

    /// The same queue under another name, for a source that sees for two.
    #[must_use]
    pub fn named(&self, source: SourceId) -> Self {
        Self { source, queue: self.queue.clone() }
    }

    /// Publishes one thing, stamped now.
    ///
    /// # Errors
    /// [`Closed`] when nobody listens any more.
    pub async fn publish(&self, seen: Seen) -> Result<(), Closed> {
        let event = self.stamp(seen);
        self.queue.send(event).await.map_err(|_| Closed)
    }

    /// Passes on what another outlet has stamped.
    ///
    /// # Errors
    /// [`Closed`] when nobody listens any more.
    pub async fn pass(&self, event: Event) -> Result<(), Closed> {
        self.queue.send(event).await.map_err(|_| Closed)
    }

    /// As [`Outlet::publish`], from a thread that may block.
    ///
    /// # Errors
    /// [`Closed`] when nobody listens any more.
    pub fn publish_blocking(&self, seen: Seen) -> Result<(), Closed> {
        let event = self.stamp(seen);
        self.queue.blocking_send(event).map_err(|_| Closed)
    }

    /// Says that something is out of sight.
    ///
    /// # Errors
    /// [`Closed`] when nobody listens any more.
    pub async fn blind(
        &self,
        what: impl AsRef<str>,
        why: impl AsRef<str>,
        hides: impl AsRef<str>,
        grant: impl AsRef<str>,
    ) -> Result<(), Closed> {
        let spot = BlindSpot {
            source: self.source,
            what: Text::new(what),
            why: Text::new(why),
            hides: Text::new(hides),
            grant: Text::new(grant),
        };
        self.publish(Seen::Blind(spot)).await
    }

    /// Says that everything which `generation` asked for has been looked at.
    ///
    /// # Errors
    /// [`Closed`] when nobody listens any more.
    pub async fn swept(&self, generation: u64) -> Result<(), Closed> {
        self.publish(Seen::Swept { generation }).await
    }

    /// Whether the session has ended.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    fn stamp(&self, seen: Seen) -> Event {
        Event::Seen(Box::new(Observation { at: clock::now(), source: self.source, seen }))
    }
}
