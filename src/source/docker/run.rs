//! The collector: finds the engine, keeps one conversation with it, says when it is blind.

use std::{path::PathBuf, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::{
    disk,
    fleet::{self, Fleet},
    live::{self, Ended},
    logs::Logs,
    spots::{Spot, Spots},
};
use crate::{
    host::{
        clock,
        docker::{DockerError, Engine, find_socket},
        files::Root,
    },
    observation::Seen,
    source::{AttentionWatch, Closed, Outlet},
};

/// Longest wait for an engine's first list.
const FIRST: Duration = Duration::from_millis(800);
/// Between two looks for an engine that is not installed.
const ABSENT: Duration = Duration::from_secs(5);
/// First and longest wait before a failed engine is asked again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
pub(super) const HIDES: &str = "state, restarts, ports and logs of containers";

/// Everything that outlives one conversation with the engine.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) outlet: Outlet,
    pub(super) attention: AttentionWatch,
    pub(super) fleet: Fleet,
    pub(super) logs: Logs,
    pub(super) spots: Spots,
    /// Time of the newest event that was told, nanoseconds.
    pub(super) newest_event: i64,
    /// Generation that was swept last.
    swept: Option<u64>,
    /// Whether what the engine wrote down may be read where it does not answer.
    reads_disk: bool,
}

/// Watches the container engine behind a socket until the session ends. `reads_disk` says whether
/// what Docker wrote down is this engine's.
pub async fn watch(outlet: Outlet, attention: AttentionWatch, socket: PathBuf, reads_disk: bool) {
    let candidates = vec![socket];
    let mut watch = Watch {
        outlet,
        attention,
        fleet: Fleet::default(),
        logs: Logs::default(),
        spots: Spots::default(),
        newest_event: 0,
        swept: None,
        reads_disk,
    };
    // The only way out is that nobody listens any more.
    let Err(Closed) = watch.forever(&candidates).await;
}

impl Watch {
    async fn forever(
        &mut self,
        candidates: &[PathBuf],
    ) -> Result<std::convert::Infallible, Closed> {
        let mut wait = RETRY.0;
        let mut met: Option<PathBuf> = None;
        loop {
            let Some(socket) = find_socket(candidates) else {
                match &met {
                    Some(socket) => self.blind(&socket.clone(), &DockerError::Missing).await?,
                    None => self.spots.tell(&self.outlet).await?,
                }
                self.idle(ABSENT).await?;
                continue;
            };
            let first = timeout(FIRST, async {
                let engine = Engine::connect(&socket).await?;
                let list = fleet::list(&engine).await?;
                Ok((engine, list))
            });
            let answer = first.await.unwrap_or_else(|_| {
                Err(DockerError::Io(format!("no answer within {} ms", FIRST.as_millis())))
            });
            let ended = match answer {
                Ok((engine, list)) => {
                    met = Some(socket.clone());
                    let began = clock::now().boot;
                    let ended = live::talk(self, &engine, &list).await?;
                    if clock::now().boot.secs_since(began) > RETRY.1.as_secs() {
                        wait = RETRY.0;
                    }
                    ended
                }
                Err(error) => Ended::Lost(error),
            };
            self.logs.stop();
            match ended {
                Ended::Relist => {}
                Ended::Lost(error) => {
                    self.blind(&socket, &error).await?;
                    if matches!(error, DockerError::Refused | DockerError::Dormant) {
                        self.tell_from_disk().await?;
                    }
                }
            }
            self.idle(wait).await?;
            wait = (wait * 2).min(RETRY.1);
        }
    }

    async fn blind(&mut self, socket: &std::path::Path, error: &DockerError) -> Result<(), Closed> {
        let grant = match error {
            DockerError::Denied => {
                "run as root, or join the group that owns the socket (membership of the docker \
                 group is equal to root)"
            }
            DockerError::Dormant => "start the engine: systemctl start docker",
            DockerError::Missing | DockerError::Refused => {
                "start the engine again; `systemctl status docker` tells why it ended"
            }
            _ => "",
        };
        self.spots.clear();
        let spot = Spot { why: error.to_string(), hides: HIDES, grant };
        self.spots.blind(socket.display().to_string(), spot);
        self.spots.tell(&self.outlet).await
    }

    /// Tells once which containers an engine that does not run has had since this host was booted.
    /// When it runs again it tells them itself.
    async fn tell_from_disk(&mut self) -> Result<(), Closed> {
        if !std::mem::take(&mut self.reads_disk) {
            return Ok(());
        }
        let now = clock::now();
        let up = i64::try_from(now.boot.0 / 1_000_000).unwrap_or(i64::MAX);
        let booted = now.wall.minus_secs(up);
        let read = spawn_blocking(move || disk::containers(&Root::default(), booted));
        for container in read.await.unwrap_or_default() {
            self.outlet.publish(Seen::Container(Box::new(container))).await?;
        }
        Ok(())
    }

    /// Says once that everything which a generation asked for was looked at.
    pub(super) async fn sweep(&mut self, generation: u64) -> Result<(), Closed> {
        if self.swept != Some(generation) {
            self.outlet.swept(generation).await?;
            self.swept = Some(generation);
        }
        Ok(())
    }

    /// Sweeps what is asked for and waits, sweeping each new attention at once.
    async fn idle(&mut self, wait: Duration) -> Result<(), Closed> {
        let generation = self.attention.borrow_and_update().generation;
        self.sweep(generation).await?;
        let until = tokio::time::sleep(wait);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return Ok(()),
                changed = self.attention.changed() => {
                    changed.map_err(|_| Closed)?;
                    let generation = self.attention.borrow_and_update().generation;
                    self.sweep(generation).await?;
                }
            }
        }
    }
}
