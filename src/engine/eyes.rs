//! The sources of a process without a screen, kept looking while something is done.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{
    host::clock,
    session::{Effect, Event, Knowledge, Model, update},
};

use super::sources::{Options, Running, start};

/// Sources that look, and what they amount to so far.
#[derive(Debug)]
pub(super) struct Eyes {
    /// The evidence and the diagnosis.
    pub(super) model: Model,
    running: Running,
    knowledge: Knowledge,
}

impl Eyes {
    /// Starts to look.
    pub(super) fn open(options: &Options) -> Self {
        Self { model: Model::new(), running: start(options), knowledge: Knowledge::embedded() }
    }

    /// Looks until every source has seen what it was asked for, or for so long; then diagnoses.
    pub(super) async fn look(&mut self, deadline: Duration) {
        let end = Instant::now() + deadline;
        while let Ok(Some(event)) = timeout_at(end, self.running.events.recv()).await {
            self.take(&event);
            if self.model.unswept(&self.running.ids).is_empty() {
                self.take(&Event::Settle);
                if self.model.unswept(&self.running.ids).is_empty() {
                    break;
                }
            }
        }
        self.settle();
    }

    /// Folds what comes in for so long. May be cancelled: nothing is lost.
    pub(super) async fn watch(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(Some(event)) = timeout_at(end, self.running.events.recv()).await {
            self.take(&event);
        }
    }

    /// Diagnoses what is known now.
    pub(super) fn settle(&mut self) {
        self.take(&Event::Tick(clock::now()));
        self.take(&Event::Settle);
    }

    fn take(&mut self, event: &Event) {
        for effect in update(&mut self.model, event, self.knowledge) {
            if let Effect::Attend(attention) = effect {
                self.running.attention.send_replace(attention);
            }
        }
    }
}
