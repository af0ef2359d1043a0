//! The logs of the containers that matter: the last lines at once, then as they are written.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use bollard::query_parameters::LogsOptions;
use futures_util::{StreamExt, stream};
use tokio::{task::AbortHandle, time::sleep};

use super::{
    fleet::ANSWER,
    lines::{Line, Splitter},
    spots::{Spot, Spots},
};
use crate::{
    host::{
        clock,
        docker::{DockerError, Engine},
    },
    observation::{ContainerId, Gap, GatewayId, LogLine, Origin, Program, Seen, SourceId, Text},
    source::{Closed, Outlet},
};

/// Most containers whose log is read.
const MOST: usize = 64;
/// First logs that are read at one time.
const AT_ONCE: usize = 8;
/// Lines of the past that are read.
const TAIL: usize = 200;
/// How far back they may lie, seconds.
const PAST: i64 = 15 * 60;
/// Lines of one container and second that are told; more are counted.
const PER_SECOND: u64 = 1_000;

/// Who writes into a container's standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) program: Program,
    pub(super) gateway: Option<GatewayId>,
}

/// A container whose log is asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) id: ContainerId,
    pub(super) role: Role,
    pub(super) runs: bool,
}

#[derive(Debug)]
struct Followed {
    role: Role,
    /// Stamp of the newest line that was told, nanoseconds.
    newest: Arc<AtomicI64>,
    task: Option<AbortHandle>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// The logs that are read.
#[derive(Debug, Default)]
pub(super) struct Logs {
    followed: BTreeMap<ContainerId, Followed>,
}

impl Logs {
    /// Follows nothing for now; where reading had come to is remembered.
    pub(super) fn stop(&mut self) {
        for followed in self.followed.values_mut() {
            if let Some(task) = followed.task.take() {
                task.abort();
            }
        }
    }

    /// Reads the past of every log that is new here and what a log that ended has gained since,
    /// tells it, and follows on. Gives the lines of the new ones, for what they say is served.
    pub(super) async fn sweep(
        &mut self,
        engine: &Engine,
        wanted: Vec<Wanted>,
        started: &BTreeSet<ContainerId>,
        outlet: &Outlet,
        spots: &mut Spots,
    ) -> Result<Vec<(ContainerId, Vec<Line>)>, Closed> {
        self.followed.retain(|id, _| wanted.iter().any(|wanted| wanted.id == *id));
        if wanted.len() > MOST {
            let why = format!("{} logs are asked for, {MOST} are read", wanted.len());
            let hides = "what the applications wrote";
            spots.blind("the logs of the other containers", Spot { why, hides, grant: "" });
        }
        let now = clock::now().wall;
        let mut fresh = Vec::new();
        for wanted in wanted.into_iter().take(MOST) {
            match self.followed.get(&wanted.id) {
                Some(followed) if followed.role == wanted.role => {
                    let floor = followed.newest.load(Ordering::Relaxed);
                    let ended = followed.task.as_ref().is_none_or(AbortHandle::is_finished);
                    if ended && (wanted.runs || started.contains(&wanted.id)) {
                        fresh.push((wanted, floor, false));
                    }
                }
                _ => fresh.push((wanted, now.minus_secs(PAST).0.saturating_mul(1_000), true)),
            }
        }
        let asked: Vec<_> = fresh
            .into_iter()
            .map(|(wanted, floor, new)| {
                let engine = engine.clone();
                async move {
                    // A server says at its start where it listens, however long ago that was.
                    let since = if new { 0 } else { floor };
                    let lines = history(&engine, &wanted.id, since, TAIL).await;
                    (wanted, floor, new, lines)
                }
            })
            .collect();
        let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
        let mut told = Vec::new();
        while let Some((wanted, floor, new, lines)) = answers.next().await {
            let what = format!("log of container {}", wanted.id);
            let lines = match lines {
                Ok(lines) => {
                    spots.sighted(&what);
                    lines
                }
                Err(error) if error.is_not_found() => continue,
                Err(error) => {
                    let hides = "what the application wrote";
                    spots.blind(what, Spot { why: error.to_string(), hides, grant: "" });
                    continue;
                }
            };
            let newest = lines.iter().filter_map(|line| line.nanos).max().unwrap_or(floor);
            let newest = newest.max(floor);
            for line in lines.iter().filter(|line| line.nanos.is_none_or(|at| at > floor)) {
                tell(&wanted.id, &wanted.role, line, outlet).await?;
            }
            self.follow(engine, &wanted, newest, outlet);
            if new {
                told.push((wanted.id, lines));
            }
        }
        Ok(told)
    }

    fn follow(&mut self, engine: &Engine, wanted: &Wanted, newest: i64, outlet: &Outlet) {
        let newest = Arc::new(AtomicI64::new(newest));
        let task = wanted.runs.then(|| {
            let (engine, outlet) = (engine.clone(), outlet.clone());
            let (id, role, newest) = (wanted.id.clone(), wanted.role.clone(), Arc::clone(&newest));
            // A log that ends is taken up again when its container starts.
            tokio::spawn(follow(engine, id, role, newest, outlet)).abort_handle()
        });
        let followed = Followed { role: wanted.role.clone(), newest, task };
        self.followed.insert(wanted.id.clone(), followed);
    }
}

fn options(since_nanos: i64, tail: String, follow: bool) -> LogsOptions {
    LogsOptions {
        follow,
        stdout: true,
        stderr: true,
        since: i32::try_from(since_nanos / 1_000_000_000).unwrap_or(0),
        timestamps: true,
        tail,
        ..LogsOptions::default()
    }
}

/// The last `tail` lines that are newer than `floor` (nanoseconds), as far as they come within
/// [`ANSWER`].
pub(super) async fn history(
    engine: &Engine,
    id: &ContainerId,
    floor: i64,
    tail: usize,
) -> Result<Vec<Line>, DockerError> {
    let mut frames = engine.logs(id.as_str(), options(floor, tail.to_string(), false))?;
    let enough = sleep(ANSWER);
    tokio::pin!(enough);
    let mut splitter = Splitter::default();
    let mut lines = Vec::new();
    loop {
        let frame = tokio::select! {
            frame = frames.next() => frame,
            () = &mut enough => {
                let why = format!("no answer within {} ms", ANSWER.as_millis());
                if lines.is_empty() { return Err(DockerError::Io(why)) }
                None
            }
        };
        match frame {
            Some(Ok(frame)) => lines.extend(splitter.feed(&frame)),
            Some(Err(error)) if lines.is_empty() => return Err(error),
            Some(Err(_)) | None => break,
        }
        if lines.len() > tail {
            break;
        }
    }
    lines.extend(splitter.finish());
    lines.retain(|line| line.nanos.is_none_or(|nanos| nanos > floor));
    Ok(lines)
}

async fn follow(
    engine: Engine,
    id: ContainerId,
    role: Role,
    newest: Arc<AtomicI64>,
    outlet: Outlet,
) -> Result<(), Closed> {
    let floor = newest.load(Ordering::Relaxed);
    let Ok(mut frames) = engine.logs(id.as_str(), options(floor, "all".to_owned(), true)) else {
        return Ok(());
    };
    let mut splitter = Splitter::default();
    let mut second = Second::default();
    while let Some(Ok(frame)) = frames.next().await {
        for line in splitter.feed(&frame) {
            if line.nanos.is_some_and(|nanos| nanos <= floor) {
                continue;
            }
            newest.fetch_max(line.nanos.unwrap_or(0), Ordering::Relaxed);
            if let Some(gap) = second.admit(&id, line.text.raw().len()) {
                outlet.publish(Seen::Gap(gap)).await?;
            }
            if second.told <= PER_SECOND {
                tell(&id, &role, &line, &outlet).await?;
            }
        }
    }
    Ok(())
}

/// Lines of the running second.
#[derive(Debug, Default)]
struct Second {
    number: u64,
    told: u64,
    lines: u64,
    bytes: u64,
}

impl Second {
    /// Counts a line; gives what the second before had lost.
    fn admit(&mut self, id: &ContainerId, bytes: usize) -> Option<Gap> {
        let number = clock::now().boot.0 / 1_000_000;
        let mut gap = None;
        if number != self.number {
            gap = (self.lines > 0).then(|| Gap {
                source: SourceId::Docker,
                what: Text::new(format!("log of container {id}")),
                lines: self.lines,
                bytes: self.bytes,
                why: Text::new(format!("more than {PER_SECOND} lines in a second")),
            });
            *self = Self { number, ..Self::default() };
        }
        self.told += 1;
        if self.told > PER_SECOND {
            self.lines += 1;
            self.bytes += bytes as u64;
        }
        gap
    }
}

async fn tell(id: &ContainerId, role: &Role, line: &Line, outlet: &Outlet) -> Result<(), Closed> {
    if line.text.is_empty() {
        return Ok(());
    }
    outlet
        .publish(Seen::Log(LogLine {
            program: role.program,
            origin: Origin::ContainerLog(id.clone()),
            gateway: role.gateway.clone(),
            at: line.at(),
            text: line.text.clone(),
        }))
        .await
}
