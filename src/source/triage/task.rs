//! The console's first look at logs that are already there: once for each set of logs, in the
//! background, within bounds of bytes and time.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use jiff::tz::TimeZone;

use crate::{
    evidence::triage::{Terms, answer},
    host::{clock, http_get},
    observation::{Boot, LogTarget, Seen, Text},
    source::{AttentionWatch, Closed, Outlet},
};

use super::{
    files::of_targets,
    read::{Limits, read},
};

/// Most that is read of all logs together, in bytes.
const BYTES: u64 = 512 * 1024 * 1024;
/// Longest time for it, in microseconds.
const MICROS: u64 = 1_200_000;
/// How far back it looks.
const BACK_SECS: i64 = 24 * 3600;

/// Publishes [`Seen::Triage`] when the logs are known, and again only when others are.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(
    outlet: Outlet,
    mut attention: AttentionWatch,
    zone: TimeZone,
) -> Result<(), Closed> {
    let mut known: Option<Vec<LogTarget>> = None;
    loop {
        let wanted = attention.borrow_and_update().clone();
        let logs: Vec<LogTarget> =
            wanted.logs.iter().filter(|target| target.gateway.is_some()).cloned().collect();
        if !logs.is_empty() && known.as_ref() != Some(&logs) {
            let stop = Stop(Arc::new(AtomicBool::new(false)));
            let (targets, zone) = (logs.clone(), zone.clone());
            let flag = Arc::clone(&stop.0);
            let reading = tokio::task::spawn_blocking(move || look(&targets, zone, &flag));
            tokio::pin!(reading);
            // Threads can hang in a read of a dead network file system: nobody waits for them.
            let deadline = tokio::time::sleep(std::time::Duration::from_micros(MICROS * 3 / 2));
            tokio::select! {
                done = &mut reading => {
                    if let Ok(triage) = done {
                        outlet.publish(Seen::Triage(Box::new(triage))).await?;
                    }
                }
                () = deadline => {
                    let why = "reading them takes longer than this report can wait";
                    outlet.blind("older log lines", why, "since when requests fail", "").await?;
                }
            }
            known = Some(logs);
        }
        outlet.swept(wanted.generation).await?;
        attention.changed().await.map_err(|_| Closed)?;
    }
}

/// Ends the reading when the task ends.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn look(targets: &[LogTarget], zone: TimeZone, stop: &AtomicBool) -> crate::observation::Triage {
    let now = clock::now();
    let (logs, _) = of_targets(targets);
    let terms = Terms {
        zone,
        now: now.wall,
        since: Some(now.wall.minus_secs(BACK_SECS)),
        until: None,
        own_agent: http_get::AGENT_MARK.as_bytes(),
    };
    let until = Some(Boot(now.boot.0.saturating_add(MICROS)));
    let reading = read(&logs, &terms, Limits { threads: 1, bytes: BYTES, until }, stop);
    let mut triage = answer(reading.tally, &reading.errors, &reading.read, Some(now.wall));
    if reading.left_out > 0 {
        let mib = reading.left_out / (1 << 20);
        let words =
            format!("{mib} MiB of older log lines were left out; gatemedic triage reads all");
        triage.notes.push(Text::from(words.as_str()));
    }
    triage
}
