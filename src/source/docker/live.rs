//! One conversation with an engine that answers: events, changed attention, samples.

use std::{collections::BTreeSet, pin::Pin, sync::Arc, time::Duration};

use bollard::{models::EventMessage, query_parameters::EventsOptions};
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use tokio::time::{Sleep, interval, sleep, timeout};

use super::{
    events::{self, Then},
    fleet::{self, ANSWER, ask},
    run::Watch,
    serving::runs,
    spots::Spot,
    stats,
};
use crate::{
    host::{
        clock,
        docker::{DockerError, Engine},
    },
    observation::{ContainerId, Gap, Seen, SourceId, Text},
    source::Closed,
};

/// How far back the first look at events goes, seconds.
const PAST: i64 = 15 * 60;
/// Most past events that are read.
const MOST_PAST: usize = 2_000;
/// Events of one container within this time make one inspection.
const COALESCE: Duration = Duration::from_millis(100);
/// Between two questions whether the engine still answers.
const PULSE: Duration = Duration::from_secs(2);
/// Pulses between two samples of containers that are not visible here.
const PULSES_PER_SAMPLE: u64 = 2;
/// Pulses between two lists where the engine refuses its events.
const PULSES_PER_LIST: u64 = 3;
const EVENTS: &str = "events";

type Messages = Pin<Box<dyn Stream<Item = Result<EventMessage, DockerError>> + Send>>;

/// How a conversation ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The engine closed its stream of events: list again.
    Relist,
    /// It does not answer any more.
    Lost(DockerError),
}

enum Next {
    Message(Option<Result<EventMessage, DockerError>>),
    Attention,
    Refresh,
    Pulse,
}

/// Talks with an engine until it is lost.
pub(super) async fn talk(
    watch: &mut Watch,
    engine: &Engine,
    list: &[Value],
) -> Result<Ended, Closed> {
    let mut talk = Talk {
        engine,
        began: clock::now().wall.0.saturating_mul(1_000),
        dirty: BTreeSet::new(),
        started: BTreeSet::new(),
        due: None,
        pulses: 0,
    };
    watch.spots.clear();
    watch.fleet.take(engine, list, &watch.outlet, &mut watch.spots).await?;
    let mut messages = talk.past_and_future(watch).await?;
    let floor = watch.newest_event;
    watch.spots.tell(&watch.outlet).await?;
    talk.sweep(watch).await?;
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    pulse.reset();
    loop {
        let next = tokio::select! {
            message = next_message(&mut messages) => Next::Message(message),
            changed = watch.attention.changed() => {
                changed.map_err(|_| Closed)?;
                Next::Attention
            }
            () = due(&mut talk.due) => Next::Refresh,
            _ = pulse.tick() => Next::Pulse,
        };
        match next {
            Next::Message(None) => return Ok(Ended::Relist),
            Next::Message(Some(Ok(message))) => talk.message(watch, &message, floor).await?,
            Next::Message(Some(Err(error))) => match refused(error) {
                Ok(spot) => {
                    watch.spots.blind(EVENTS, spot);
                    messages = None;
                }
                Err(error) => return Ok(Ended::Lost(error)),
            },
            Next::Attention => talk.sweep(watch).await?,
            Next::Refresh => talk.refresh(watch).await?,
            Next::Pulse => {
                if let Err(error) = talk.pulse(watch, messages.is_none()).await? {
                    return Ok(Ended::Lost(error));
                }
            }
        }
        watch.spots.tell(&watch.outlet).await?;
    }
}

async fn next_message(
    messages: &mut Option<Messages>,
) -> Option<Result<EventMessage, DockerError>> {
    match messages {
        Some(messages) => messages.next().await,
        None => std::future::pending().await,
    }
}

async fn due(due: &mut Option<Pin<Box<Sleep>>>) {
    match due {
        Some(sleep) => sleep.as_mut().await,
        None => std::future::pending().await,
    }
}

/// An engine (or a filter before it) that answers, and refuses its events.
fn refused(error: DockerError) -> Result<Spot, DockerError> {
    match error {
        DockerError::Status { .. } => Ok(Spot {
            why: error.to_string(),
            hides: "kills and restarts between two looks",
            grant: "let this user read /events of the engine's API",
        }),
        error => Err(error),
    }
}

fn event_options(since: i64, until: Option<i64>) -> EventsOptions {
    let stamp = |nanos: i64| {
        format!("{}.{:09}", nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000))
    };
    let types = vec!["container".to_owned(), "network".to_owned()];
    EventsOptions {
        since: Some(stamp(since)),
        until: until.map(stamp),
        filters: Some([("type".to_owned(), types)].into()),
    }
}

/// What one conversation has in mind.
pub(super) struct Talk<'a> {
    pub(super) engine: &'a Engine,
    /// When it began, nanoseconds since the epoch.
    began: i64,
    /// Containers to look at again.
    dirty: BTreeSet<ContainerId>,
    /// Containers that started and have not been asked yet what they serve.
    pub(super) started: BTreeSet<ContainerId>,
    due: Option<Pin<Box<Sleep>>>,
    pulses: u64,
}

impl Talk<'_> {
    /// Tells the past events, and opens the stream of those to come.
    async fn past_and_future(&mut self, watch: &mut Watch) -> Result<Option<Messages>, Closed> {
        // A second of overlap costs nothing: what was told before is known by its time.
        let since = if watch.newest_event > 0 {
            watch.newest_event
        } else {
            self.began.saturating_sub(PAST * 1_000_000_000)
        };
        let floor = watch.newest_event;
        let past = self.engine.events(event_options(since, Some(self.began)));
        let outcome = match past {
            Ok(past) => self.tell_past(watch, Box::pin(past), floor).await?,
            Err(error) => Err(error),
        };
        // A refusal is told by the stream that follows.
        if let Err(error) = outcome
            && !matches!(error, DockerError::Status { .. })
        {
            let hides = "kills and restarts of the last 15 minutes";
            let spot = Spot { why: error.to_string(), hides, grant: "" };
            watch.spots.blind("past events", spot);
        }
        Ok(match self.engine.events(event_options(self.began, None)) {
            Ok(stream) => Some(Box::pin(stream)),
            Err(_) => None,
        })
    }

    async fn tell_past(
        &mut self,
        watch: &mut Watch,
        mut past: Messages,
        floor: i64,
    ) -> Result<Result<(), DockerError>, Closed> {
        let enough = sleep(ANSWER);
        tokio::pin!(enough);
        for _ in 0..MOST_PAST {
            let message = tokio::select! {
                message = past.next() => message,
                () = &mut enough => {
                    let why = format!("no answer within {} ms", ANSWER.as_millis());
                    return Ok(Err(DockerError::Io(why)));
                }
            };
            match message {
                Some(Ok(message)) => self.message(watch, &message, floor).await?,
                Some(Err(error)) => return Ok(Err(error)),
                None => {
                    // The containers were inspected after these events.
                    self.dirty.clear();
                    self.started.clear();
                    self.due = None;
                    return Ok(Ok(()));
                }
            }
        }
        let gap = Gap {
            source: SourceId::Docker,
            what: Text::new("past events"),
            lines: 0,
            bytes: 0,
            why: Text::new(format!("there are more than {MOST_PAST}")),
        };
        watch.outlet.publish(Seen::Gap(gap)).await?;
        Ok(Ok(()))
    }

    async fn message(
        &mut self,
        watch: &mut Watch,
        message: &EventMessage,
        floor: i64,
    ) -> Result<(), Closed> {
        let Some(mut happening) = events::of_message(message) else { return Ok(()) };
        if happening.nanos <= floor {
            return Ok(());
        }
        watch.newest_event = watch.newest_event.max(happening.nanos);
        let id = happening.event.id.clone();
        if happening.event.name.is_empty()
            && let Some(container) = watch.fleet.get(&id)
        {
            happening.event.name = container.name.clone();
        }
        watch.outlet.publish(Seen::ContainerEvent(happening.event)).await?;
        if happening.then == Then::Gone {
            self.dirty.remove(&id);
            return watch.fleet.gone(&id, &watch.outlet, &mut watch.spots).await;
        }
        if happening.then == Then::Started {
            self.started.insert(id.clone());
        }
        self.dirty.insert(id);
        if self.due.is_none() {
            self.due = Some(Box::pin(sleep(COALESCE)));
        }
        Ok(())
    }

    async fn refresh(&mut self, watch: &mut Watch) -> Result<(), Closed> {
        self.due = None;
        let dirty = std::mem::take(&mut self.dirty);
        watch.fleet.refresh(self.engine, dirty, &watch.outlet, &mut watch.spots).await?;
        if !self.started.is_empty() {
            let attention = Arc::clone(&watch.attention.borrow());
            self.read_logs(watch, &attention).await?;
        }
        Ok(())
    }

    /// Looks at everything that the newest attention asks for.
    async fn sweep(&mut self, watch: &mut Watch) -> Result<(), Closed> {
        let attention = Arc::clone(&watch.attention.borrow_and_update());
        self.read_logs(watch, &attention).await?;
        watch.spots.tell(&watch.outlet).await?;
        watch.sweep(attention.generation).await
    }

    async fn pulse(
        &mut self,
        watch: &mut Watch,
        without_events: bool,
    ) -> Result<Result<(), DockerError>, Closed> {
        match timeout(PULSE, self.engine.ping()).await {
            Ok(Ok(()) | Err(DockerError::Status { .. })) => {}
            Ok(Err(error)) => return Ok(Err(error)),
            Err(_) => {
                let why = format!("no answer within {} s", PULSE.as_secs());
                return Ok(Err(DockerError::Io(why)));
            }
        }
        self.pulses += 1;
        if without_events && self.pulses.is_multiple_of(PULSES_PER_LIST) {
            let Ok(Ok(list)) = timeout(ANSWER, fleet::list(self.engine)).await else {
                return Ok(Ok(()));
            };
            watch.fleet.take(self.engine, &list, &watch.outlet, &mut watch.spots).await?;
        }
        self.ask_started(watch).await?;
        if self.pulses.is_multiple_of(PULSES_PER_SAMPLE) {
            self.sample(watch).await?;
        }
        Ok(Ok(()))
    }

    async fn sample(&self, watch: &Watch) -> Result<(), Closed> {
        let attention = Arc::clone(&watch.attention.borrow());
        let hidden = attention.containers.iter().filter_map(|id| watch.fleet.get(id));
        let hidden = hidden.filter(|container| runs(container) && !container.pid_visible);
        let asked: Vec<_> = hidden
            .map(|container| {
                let (engine, container) = (self.engine.clone(), container.clone());
                async move {
                    let id = container.id.as_str();
                    let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
                    stats::sample(&container, &ask(&engine, &path).await.ok()?)
                }
            })
            .collect();
        let mut answers = stream::iter(asked).buffer_unordered(4);
        while let Some(sample) = answers.next().await {
            if let Some(sample) = sample {
                watch.outlet.publish(Seen::Cgroup(sample)).await?;
            }
        }
        Ok(())
    }
}
