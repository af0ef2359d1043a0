//! The sources of a process without a screen, kept looking while something is done.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{
    host::clock,
    observation::SourceId,
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
        self.sweep(deadline, &mut |_| {}).await;
        self.settle();
    }

    /// As [`Eyes::look`], but no later than the newest thing seen. `record` is called with every
    /// event that is folded.
    pub(super) async fn sweep(&mut self, deadline: Duration, record: &mut impl FnMut(&Event)) {
        let end = Instant::now() + deadline;
        while let Ok(Some(event)) = timeout_at(end, self.running.events.recv()).await {
            self.fold(&event, record);
            while let Ok(event) = self.running.events.try_recv() {
                self.fold(&event, record);
            }
            // Diagnosing is dear and the queue fills in bursts: wait until all have swept what is
            // known so far before asking what else there is to see.
            if self.unswept().is_empty() {
                self.fold(&Event::Settle, record);
                if self.unswept().is_empty() {
                    break;
                }
            }
        }
        self.fold(&Event::Settle, record);
    }

    /// Sources that have not yet looked at everything that is asked of them.
    pub(super) fn unswept(&self) -> Vec<SourceId> {
        self.model.unswept(&self.running.ids)
    }

    /// Ends the looking: what was seen, and by whom.
    pub(super) fn close(mut self) -> (Model, Vec<SourceId>) {
        self.running.tasks.abort_all();
        (self.model, self.running.ids)
    }

    fn fold(&mut self, event: &Event, record: &mut impl FnMut(&Event)) {
        record(event);
        self.take(event);
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
