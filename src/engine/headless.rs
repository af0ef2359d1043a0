//! One look at the host: until every source has seen what it was asked for, or the deadline.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{
    observation::SourceId,
    session::{Effect, Event, Knowledge, Model, update},
};

use super::sources::{Options, Running, start};

/// The result of one look.
#[derive(Debug)]
pub struct Outcome {
    /// The session's state.
    pub model: Model,
    /// Sources that were asked to look.
    pub asked: Vec<SourceId>,
    /// Sources that had not finished at the deadline.
    pub incomplete: Vec<SourceId>,
}

/// Looks once and diagnoses. `record` is called with every event that is folded.
pub async fn diagnose_once(
    options: &Options,
    deadline: Duration,
    mut record: impl FnMut(&Event),
) -> Outcome {
    let knowledge = Knowledge::embedded();
    let mut running = start(options);
    let mut model = Model::new();
    let end = Instant::now() + deadline;
    loop {
        let Ok(Some(event)) = timeout_at(end, running.events.recv()).await else { break };
        fold(&mut model, &mut running, &event, knowledge, &mut record);
        while let Ok(event) = running.events.try_recv() {
            fold(&mut model, &mut running, &event, knowledge, &mut record);
        }
        // Diagnosing is dear and the queue fills in bursts: wait until all have swept what is
        // known so far before asking what else there is to see.
        if model.unswept(&running.ids).is_empty() {
            fold(&mut model, &mut running, &Event::Settle, knowledge, &mut record);
            if model.unswept(&running.ids).is_empty() {
                break;
            }
        }
    }
    fold(&mut model, &mut running, &Event::Settle, knowledge, &mut record);
    let incomplete = model.unswept(&running.ids);
    running.tasks.abort_all();
    Outcome { model, asked: running.ids, incomplete }
}

fn fold(
    model: &mut Model,
    running: &mut Running,
    event: &Event,
    knowledge: Knowledge,
    record: &mut impl FnMut(&Event),
) {
    record(event);
    for effect in update(model, event, knowledge) {
        if let Effect::Attend(attention) = effect {
            running.attention.send_replace(attention);
        }
    }
}
