//! One process that holds what a service needs: asked to end, never killed.

use std::time::Duration;

use crate::{
    action::{Failure, Tools},
    evidence::CaseFile,
    host::pidfd::{self, Ask, Held, Identity},
    observation::{Process, Text},
};

use super::Done;

/// How long a process gets to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// What people reach the host through, and what everything else hangs on.
const SPARED: [&str; 12] = [
    "sshd",
    "sshd-session",
    "sudo",
    "login",
    "systemd",
    "systemd-journald",
    "systemd-logind",
    "systemd-udevd",
    "dbus-daemon",
    "dbus-broker",
    "dockerd",
    "containerd",
];

pub(super) async fn end(
    pid: u32,
    name: &Text,
    case: &CaseFile,
    _tools: &Tools,
) -> Result<Done, Failure> {
    let held = hold(pid, name)?;
    let now = held.identity().ok_or_else(|| gone(pid, name))?;
    if let Some(why) = spared(pid, &now) {
        return Err(Failure::Refused(why));
    }
    let Some(seen) = case.processes.get(&pid) else {
        return Err(Failure::Changed(format!("process {pid} is not among those that were seen")));
    };
    if let Some(why) = other(seen, name, &now) {
        return Err(Failure::Changed(why));
    }
    held.ask(Ask::End).map_err(|error| match error.raw_os_error() {
        Some(3) => gone(pid, name),
        Some(1) => Failure::Denied(format!("process {pid} is not ours; type: sudo kill {pid}")),
        _ => Failure::Refused(format!("process {pid}: {error}")),
    })?;
    let waited = tokio::task::spawn_blocking(move || held.wait(PATIENCE)).await;
    match waited {
        Ok(Ok(true)) => Ok(Done { words: format!("process {pid} ({name}) ended"), undo: None }),
        _ => Err(Failure::Late(format!(
            "process {pid} ({name}) was asked to end and has not within {} s; it is not killed \
             from here",
            PATIENCE.as_secs()
        ))),
    }
}

pub(super) fn gone(pid: u32, name: &Text) -> Failure {
    Failure::Gone(format!("process {pid} ({name}) is gone"))
}

pub(super) fn hold(pid: u32, name: &Text) -> Result<Held, Failure> {
    Held::open(pid).map_err(|error| match error.raw_os_error() {
        Some(3) => gone(pid, name),
        Some(38) => Failure::Human(format!(
            "this kernel cannot hold a process (pidfd_open, Linux 5.3), and a bare number may be \
             another process's by now; look at it and type: sudo kill {pid}"
        )),
        _ => Failure::Refused(format!("process {pid}: {error}")),
    })
}

/// Why this process is never ended from here, if so.
pub(crate) fn spared(pid: u32, now: &Identity) -> Option<String> {
    if pid == 1 {
        return Some("process 1 is never ended".to_owned());
    }
    if now.parent == 2 || pid == 2 || (now.exe.is_none() && now.command.is_empty()) {
        return Some(format!("process {pid} is a kernel thread or has just ended"));
    }
    if pidfd::ancestors().contains(&pid) {
        return Some(format!("process {pid} ({}) is what this gatemedic runs in", now.name));
    }
    let ours = crate::host::proc::exe(std::process::id());
    if ours.is_some() && ours == now.exe {
        return Some(format!("process {pid} is a gatemedic"));
    }
    let program = now.exe.as_ref().and_then(|exe| exe.raw().rsplit('/').next());
    if program.is_some_and(|program| SPARED.contains(&program)) {
        return Some(format!("{} keeps this host reachable and running", now.name));
    }
    let (own, theirs) = (pidfd::namespace("self"), pidfd::namespace(&pid.to_string()));
    if own.is_some() && own != theirs {
        return Some(format!(
            "process {pid} runs in a container or another pid namespace: act on the container"
        ));
    }
    None
}

/// Why this is not the process that was seen, if so.
pub(crate) fn other(seen: &Process, name: &Text, now: &Identity) -> Option<String> {
    let pid = seen.pid;
    if seen.start_ticks != now.start_ticks {
        return Some(format!("process {pid} that was seen has ended; its number is another's now"));
    }
    if seen.exe != now.exe {
        return Some(format!("process {pid} runs another program by now"));
    }
    if seen.cgroup != now.cgroup {
        return Some(format!("process {pid} belongs to something else by now"));
    }
    (*name != now.name && *name != seen.name)
        .then(|| format!("process {pid} is {} and not {name}", now.name))
}
