//! Everything at once, each part in a file of its own, until the time is up.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    action::{Failure, Tools},
    evidence::CaseFile,
    host::{clock, connections::under_way, netlink, vault::Vault},
    observation::Listener,
    remedy::Plan,
};

use super::{containers, processes, subject::Subject, units};

/// For all parts together.
const WITHIN: Duration = Duration::from_millis(1_800);

/// Saves what the plan would destroy into a folder of its own below the state folder; `None` when
/// it destroys nothing. A part that is not readable or comes too late is missing, and
/// `missing.txt` says so.
///
/// # Errors
/// [`Failure::Refused`] when no folder can be made.
pub async fn save(plan: &Plan, case: &CaseFile, tools: &Tools) -> Result<Option<PathBuf>, Failure> {
    let subject = Subject::of(plan, case);
    if subject.is_empty() {
        return Ok(None);
    }
    let name = format!("{}-{}", stamp(), plan.digest().short());
    let vault = Vault::make(&tools.state, "captures", &name).map_err(|error| {
        let state = tools.state.display();
        Failure::Refused(format!("evidence cannot be saved below {state}: {error}"))
    })?;
    let (pids, listeners) = (subject.pids.clone(), subject.listeners.clone());
    let parts = tokio::join!(
        timeout(WITHIN, units::read(&subject.units, tools)),
        timeout(WITHIN, containers::read(&subject.containers, tools)),
        timeout(WITHIN, spawn_blocking(move || processes::read(&pids))),
        timeout(WITHIN, spawn_blocking(move || sockets(&listeners))),
    );
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut missing = String::new();
    match parts.0 {
        Ok(read) => files.extend(read),
        Err(_) => missing.push_str("units: no answer in time\n"),
    }
    match parts.1 {
        Ok(read) => files.extend(read),
        Err(_) => missing.push_str("containers: no answer in time\n"),
    }
    match parts.2 {
        Ok(Ok(read)) => files.extend(read),
        _ => missing.push_str("processes: not read in time\n"),
    }
    match parts.3 {
        Ok(Ok(text)) if !text.is_empty() => {
            files.push(("sockets.txt".to_owned(), text.into_bytes()));
        }
        Ok(Ok(_)) => {}
        _ => missing.push_str("sockets: not read in time\n"),
    }
    files.push(("plan.txt".to_owned(), format!("{}\n{}\n", plan.words(), plan.why).into_bytes()));
    for (name, bytes) in files {
        if let Err(error) = vault.put(&name, &bytes) {
            let _ = writeln!(missing, "{name}: {error}");
        }
    }
    if !missing.is_empty() {
        let _ = vault.put("missing.txt", missing.as_bytes());
    }
    Ok(Some(vault.path().to_owned()))
}

/// `20261120T140230Z`, which sorts by age.
fn stamp() -> String {
    clock::now().wall.rfc3339().replace(['-', ':'], "")
}

/// The listening sockets with their queues as they are now, and what is under way on them.
fn sockets(listeners: &[Listener]) -> String {
    let fresh = netlink::listening().unwrap_or_default();
    let mut text = String::new();
    for seen in listeners {
        let now = fresh.iter().find(|l| l.inode == seen.inode).unwrap_or(seen);
        let number = |n: Option<u32>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
        let process = seen.pids.first().map(ToString::to_string);
        let way = process.and_then(|pid| under_way(&pid, std::slice::from_ref(&seen.address)).ok());
        let _ = writeln!(
            text,
            "{} queue {} of {} connections {} inode {} pids {:?}",
            seen.address,
            number(now.queue),
            number(now.backlog),
            way.map_or_else(|| "?".to_owned(), |n| n.to_string()),
            seen.inode,
            seen.pids
        );
    }
    text
}
