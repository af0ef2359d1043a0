//! One look at the host: until every source has seen what it was asked for, or the deadline.

use std::time::Duration;

use crate::{
    observation::SourceId,
    session::{Event, Model},
};

use super::{eyes::Eyes, sources::Options};

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
    let mut eyes = Eyes::open(options);
    eyes.sweep(deadline, &mut record).await;
    let incomplete = eyes.unswept();
    let (model, asked) = eyes.close();
    Outcome { model, asked, incomplete }
}
