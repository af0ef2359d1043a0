//! All containers of one engine: listed, inspected, and told when they changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use tokio::time::timeout;

use super::{
    inspect,
    json::string,
    process,
    spots::{Spot, Spots},
};
use crate::{
    host::docker::{DockerError, Engine},
    observation::{Claim, Container, ContainerId, Seen},
    source::{Closed, Outlet},
};

/// Most containers that are watched; the running ones come first.
const MOST: usize = 500;
/// Inspections at one time.
const AT_ONCE: usize = 16;
/// Longest wait for one answer.
pub(super) const ANSWER: Duration = Duration::from_millis(800);
/// Longest wait for all inspections of a list.
const ALL_ANSWERS: Duration = Duration::from_millis(1_500);
const HIDES: &str = "exit code, restarts, health and limits of the container";

/// Asks for one answer within [`ANSWER`].
pub(super) async fn ask(engine: &Engine, path: &str) -> Result<Value, DockerError> {
    match timeout(ANSWER, engine.get(path)).await {
        Ok(answer) => answer,
        Err(_) => Err(DockerError::Io(format!("no answer within {} ms", ANSWER.as_millis()))),
    }
}

/// Lists all containers, stopped ones too, in the order in which they matter.
pub(super) async fn list(engine: &Engine) -> Result<Vec<Value>, DockerError> {
    let Value::Array(mut entries) = engine.get("/containers/json?all=1").await? else {
        return Err(DockerError::Garbled("the list of containers is no list".to_owned()));
    };
    entries.sort_by_key(|entry| match string(entry, "/State") {
        "running" | "restarting" | "paused" => 0,
        _ => 1,
    });
    Ok(entries)
}

/// A container as told, with the claims that are not in its inspection.
#[derive(Debug, Default)]
struct Known {
    told: Option<Container>,
    claims: Vec<Claim>,
}

/// The containers that were told.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    known: BTreeMap<ContainerId, Known>,
}

impl Fleet {
    /// A container as it was last told.
    pub(super) fn get(&self, id: &ContainerId) -> Option<&Container> {
        self.known.get(id)?.told.as_ref()
    }

    /// Inspects every listed container and tells those that changed and those that are gone.
    pub(super) async fn take(
        &mut self,
        engine: &Engine,
        entries: &[Value],
        outlet: &Outlet,
        spots: &mut Spots,
    ) -> Result<(), Closed> {
        if entries.len() > MOST {
            spots.blind(
                "the containers that do not run",
                Spot {
                    why: format!("there are {} containers, {MOST} are watched", entries.len()),
                    hides: "state of the others",
                    grant: "",
                },
            );
        }
        let listed: BTreeMap<ContainerId, Container> = entries
            .iter()
            .take(MOST)
            .filter_map(|entry| inspect::listed(entry).map(|c| (c.id.clone(), c)))
            .collect();
        let gone: Vec<ContainerId> =
            self.known.keys().filter(|id| !listed.contains_key(id)).cloned().collect();
        for id in gone {
            self.gone(&id, outlet, spots).await?;
        }
        let mut left = listed;
        let ids: Vec<ContainerId> = left.keys().cloned().collect();
        let mut answers = inspect_all(engine, ids);
        let enough = tokio::time::sleep(ALL_ANSWERS);
        tokio::pin!(enough);
        loop {
            let next = tokio::select! {
                next = answers.next() => next,
                () = &mut enough => None,
            };
            let Some((id, answer)) = next else { break };
            let fallback = left.remove(&id);
            self.admit(&id, answer, fallback, outlet, spots).await?;
        }
        drop(answers);
        for (id, fallback) in left {
            let late = Err(DockerError::Io("the engine is too slow".to_owned()));
            self.admit(&id, late, Some(fallback), outlet, spots).await?;
        }
        Ok(())
    }

    /// Inspects some containers again.
    pub(super) async fn refresh(
        &mut self,
        engine: &Engine,
        ids: BTreeSet<ContainerId>,
        outlet: &Outlet,
        spots: &mut Spots,
    ) -> Result<(), Closed> {
        let ids = ids.into_iter().collect();
        let answers: Vec<_> = inspect_all(engine, ids).collect().await;
        for (id, answer) in answers {
            let fallback = self.get(&id).cloned();
            self.admit(&id, answer, fallback, outlet, spots).await?;
        }
        Ok(())
    }

    async fn admit(
        &mut self,
        id: &ContainerId,
        answer: Result<Container, DockerError>,
        fallback: Option<Container>,
        outlet: &Outlet,
        spots: &mut Spots,
    ) -> Result<(), Closed> {
        let what = format!("container {id}");
        match answer {
            Ok(container) => {
                spots.sighted(&what);
                self.tell(container, outlet).await
            }
            Err(error) if error.is_not_found() => self.gone(id, outlet, spots).await,
            Err(error) => {
                let why = format!("it could not be inspected: {error}");
                spots.blind(what, Spot { why, hides: HIDES, grant: "" });
                match fallback {
                    Some(container) => self.tell(container, outlet).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// Tells a container when it differs from what was told.
    async fn tell(&mut self, mut container: Container, outlet: &Outlet) -> Result<(), Closed> {
        let known = self.known.entry(container.id.clone()).or_default();
        container.claims.extend(known.claims.iter().cloned());
        container.claims.sort_unstable();
        container.claims.dedup();
        if known.told.as_ref() == Some(&container) {
            return Ok(());
        }
        known.told = Some(container.clone());
        outlet.publish(Seen::Container(Box::new(container))).await
    }

    /// Adds what the log and the process list say is served.
    pub(super) async fn claim(
        &mut self,
        id: &ContainerId,
        claims: Vec<Claim>,
        outlet: &Outlet,
    ) -> Result<(), Closed> {
        let Some(known) = self.known.get_mut(id) else { return Ok(()) };
        let Some(mut container) = known.told.clone() else { return Ok(()) };
        // What an earlier run served is replaced by what this one says.
        container.claims.retain(|claim| !known.claims.contains(claim));
        known.claims = claims;
        self.tell(container, outlet).await
    }

    /// Tells that a container was removed.
    pub(super) async fn gone(
        &mut self,
        id: &ContainerId,
        outlet: &Outlet,
        spots: &mut Spots,
    ) -> Result<(), Closed> {
        spots.sighted(&format!("container {id}"));
        spots.sighted(&format!("log of container {id}"));
        if self.known.remove(id).is_some() {
            outlet.publish(Seen::ContainerGone(id.clone())).await?;
        }
        Ok(())
    }
}

/// Inspects with bounded concurrency, in the order in which the answers come.
fn inspect_all(
    engine: &Engine,
    ids: Vec<ContainerId>,
) -> impl Stream<Item = (ContainerId, Result<Container, DockerError>)> + Unpin + use<> {
    let asked: Vec<_> = ids
        .into_iter()
        .map(|id| {
            let engine = engine.clone();
            async move { (id.clone(), inspect_one(&engine, &id).await) }
        })
        .collect();
    stream::iter(asked).buffer_unordered(AT_ONCE)
}

async fn inspect_one(engine: &Engine, id: &ContainerId) -> Result<Container, DockerError> {
    let answer = ask(engine, &format!("/containers/{}/json", id.as_str())).await?;
    let mut container = inspect::inspected(&answer)
        .filter(|container| container.id == *id)
        .ok_or_else(|| DockerError::Garbled("it is no inspection of this container".to_owned()))?;
    process::locate(&mut container);
    Ok(container)
}
