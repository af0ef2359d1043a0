//! What else a session listens to, where it has it.

use tokio::sync::mpsc::Receiver;

use crate::{
    engine::{crew::Crew, desk::Desk, recorder::Recorder},
    session::Event,
};

/// What an executor says; never, without a crew.
pub(super) async fn said(crew: &mut Option<Crew>) -> Event {
    match crew {
        Some(crew) => crew.next().await,
        None => std::future::pending().await,
    }
}

/// What was read for a session; never, without a desk.
pub(super) async fn read(desk: &mut Option<Desk>) -> Event {
    match desk {
        Some(desk) => desk.next().await,
        None => std::future::pending().await,
    }
}

/// What the recorder has to say; never, without one.
pub(super) async fn recorded(recorder: &mut Option<Recorder>) -> Event {
    match recorder {
        Some(recorder) => recorder.next().await,
        None => std::future::pending().await,
    }
}

/// What a practice world measures; never, where nothing is practised or the world has ended.
pub(super) async fn measured(pulse: &mut Option<Receiver<Event>>) -> Event {
    if let Some(lane) = pulse {
        if let Some(event) = lane.recv().await {
            return event;
        }
        *pulse = None;
    }
    std::future::pending().await
}
