//! Every container engine of the host: Docker, Podman, and the Podmans of users. Each is watched by
//! itself; what they say of their own sight is joined, because it is one source to everybody else.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use futures_util::{
    StreamExt,
    future::LocalBoxFuture,
    stream::{FuturesUnordered, SelectAll, select_all},
};
use tokio::{sync::mpsc, time::interval};

use super::run::watch;
use crate::{
    host::docker::{SOCKETS, engines},
    observation::{BlindSpot, Seen, SourceId, Text},
    session::Event,
    source::{AttentionWatch, Closed, Outlet},
};

/// Between two looks for engines that came since.
const AGAIN: Duration = Duration::from_secs(5);
/// Engines watched.
const MOST: usize = 16;
/// Events of one engine that wait.
const QUEUE: usize = 64;

/// Watches the container engines until the session ends. `socket` alone is asked when it is given.
pub async fn run(outlet: Outlet, attention: AttentionWatch, socket: Option<PathBuf>) {
    let mut all = Engines {
        outlet,
        attention,
        known: BTreeMap::new(),
        watches: FuturesUnordered::new(),
        lanes: select_all(Vec::new()),
        sights: Vec::new(),
        swept: None,
    };
    if let Some(path) = socket {
        watch(all.outlet, all.attention, path, false).await;
        return;
    }
    // Docker's place is always looked at, so that somebody answers for this source.
    all.add(PathBuf::from(SOCKETS[0]));
    // The only way out is that nobody listens any more.
    let Err(Closed) = all.forever().await;
}

type Lane = futures_util::stream::BoxStream<'static, (usize, Event)>;

struct Engines {
    outlet: Outlet,
    attention: AttentionWatch,
    /// Sockets that are watched, with what tells that two paths are the same one.
    known: BTreeMap<PathBuf, Option<(u64, u64)>>,
    watches: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    lanes: SelectAll<Lane>,
    sights: Vec<Sight>,
    /// Generation that all had swept last.
    swept: Option<u64>,
}

/// What one engine's watch said of its sight.
#[derive(Default)]
struct Sight {
    spots: BTreeMap<Text, BlindSpot>,
    swept: Option<u64>,
}

impl Engines {
    fn add(&mut self, socket: PathBuf) {
        let (queue, mut inbox) = mpsc::channel::<Event>(QUEUE);
        let index = self.sights.len();
        self.sights.push(Sight::default());
        let outlet = Outlet::new(SourceId::Docker, queue);
        let lane = futures_util::stream::poll_fn(move |cx| inbox.poll_recv(cx));
        self.lanes.push(lane.map(move |event| (index, event)).boxed());
        let attention = self.attention.clone();
        self.known.insert(socket.clone(), None);
        let docker = SOCKETS.first().is_some_and(|usual| socket == std::path::Path::new(usual));
        self.watches.push(Box::pin(watch(outlet, attention, socket, docker)));
    }

    /// Engines that are there and not watched yet.
    fn discover(&mut self) {
        for (socket, identity) in engines() {
            let same = self.known.values().any(|known| *known == Some(identity));
            if let Some(known) = self.known.get_mut(&socket) {
                *known = Some(identity);
            } else if !same && self.sights.len() < MOST {
                self.add(socket.clone());
                self.known.insert(socket, Some(identity));
            }
        }
    }

    async fn forever(&mut self) -> Result<std::convert::Infallible, Closed> {
        let mut again = interval(AGAIN);
        loop {
            tokio::select! {
                Some((index, event)) = self.lanes.next() => self.take(index, event).await?,
                Some(()) = self.watches.next() => {}
                _ = again.tick() => {
                    self.discover();
                    if self.outlet.is_closed() {
                        return Err(Closed);
                    }
                }
            }
        }
    }

    async fn take(&mut self, index: usize, event: Event) -> Result<(), Closed> {
        let Event::Seen(observation) = &event else { return Ok(()) };
        let Some(sight) = self.sights.get_mut(index) else { return Ok(()) };
        match &observation.seen {
            Seen::Blind(spot) => {
                sight.spots.insert(spot.what.clone(), spot.clone());
                self.outlet.pass(event).await
            }
            Seen::Sighted => {
                sight.spots.clear();
                self.outlet.pass(event).await?;
                let others: Vec<BlindSpot> =
                    self.sights.iter().flat_map(|sight| sight.spots.values().cloned()).collect();
                for spot in others {
                    self.outlet.publish(Seen::Blind(spot)).await?;
                }
                Ok(())
            }
            Seen::Swept { generation } => {
                sight.swept = Some(*generation);
                let all = self.sights.iter().map(|sight| sight.swept).min().flatten();
                if all > self.swept
                    && let Some(generation) = all
                {
                    self.swept = all;
                    self.outlet.swept(generation).await?;
                }
                Ok(())
            }
            _ => self.outlet.pass(event).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::*;
    use crate::{
        observation::{Moment, Observation},
        session::Attention,
    };

    fn two() -> (Engines, mpsc::Receiver<Event>) {
        let (queue, inbox) = mpsc::channel(64);
        let (_, attention) = watch::channel(Arc::new(Attention::default()));
        let engines = Engines {
            outlet: Outlet::new(SourceId::Docker, queue),
            attention,
            known: BTreeMap::new(),
            watches: FuturesUnordered::new(),
            lanes: select_all(Vec::new()),
            sights: vec![Sight::default(), Sight::default()],
            swept: None,
        };
        (engines, inbox)
    }

    fn seen(seen: Seen) -> Event {
        let at = Moment::default();
        Event::Seen(Box::new(Observation { at, source: SourceId::Docker, seen }))
    }

    fn blind(what: &str) -> Seen {
        let text = Text::default;
        Seen::Blind(BlindSpot {
            source: SourceId::Docker,
            what: what.into(),
            why: text(),
            hides: text(),
            grant: text(),
        })
    }

    fn told(inbox: &mut mpsc::Receiver<Event>) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(Event::Seen(observation)) = inbox.try_recv() {
            all.push(match observation.seen {
                Seen::Blind(spot) => format!("blind {}", spot.what),
                Seen::Swept { generation } => format!("swept {generation}"),
                other => format!("{other:?}").to_lowercase(),
            });
        }
        all
    }

    #[tokio::test]
    async fn one_engine_that_sees_again_does_not_open_the_eyes_of_another() {
        let (mut engines, mut inbox) = two();
        engines.take(0, seen(blind("docker"))).await.unwrap();
        engines.take(1, seen(blind("podman"))).await.unwrap();
        engines.take(0, seen(Seen::Sighted)).await.unwrap();
        assert_eq!(told(&mut inbox), ["blind docker", "blind podman", "sighted", "blind podman"]);
    }

    #[tokio::test]
    async fn a_generation_is_swept_when_every_engine_has_swept_it() {
        let (mut engines, mut inbox) = two();
        for (index, generation) in [(0, 3), (1, 2), (1, 3), (0, 4), (0, 4), (1, 5)] {
            engines.take(index, seen(Seen::Swept { generation })).await.unwrap();
        }
        assert_eq!(told(&mut inbox), ["swept 2", "swept 3", "swept 4"]);
    }
}
