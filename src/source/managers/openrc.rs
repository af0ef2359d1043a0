//! OpenRC: the state that it keeps below `/run/openrc`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{finds::text_of, tree::descendants};
use crate::{
    host::{files::Root, proc},
    observation::{ManagedProgram, Manager, ManagerKind, ProgramId, ProgramState, Text},
};

const STATE: &str = "/run/openrc";
/// Services read.
const MOST: usize = 512;
/// Bytes of a script or of a note of a daemon.
const LIMIT: u64 = 256 * 1024;

/// The services, when OpenRC started this host.
pub(super) fn look(root: &Root) -> Option<Manager> {
    let state = Path::new(STATE);
    root.stat(state.join("softlevel"), true).ok()?;
    let set = |folder: PathBuf| -> BTreeSet<String> {
        root.list(folder, MOST).map(|(names, _)| names.into_iter().collect()).unwrap_or_default()
    };
    let [started, failed, starting, stopping, inactive] =
        ["started", "failed", "starting", "stopping", "inactive"].map(|f| set(state.join(f)));
    let wanted = set(PathBuf::from("/etc/runlevels/default"));
    let names: BTreeSet<&String> =
        started.iter().chain(&failed).chain(&starting).chain(&inactive).chain(&wanted).collect();
    let one = |name: &String| {
        let pids = pids_of(root, name);
        let dead = !pids.is_empty() && pids.iter().all(|pid| proc::stat(*pid).is_err());
        let (state, said) = if failed.contains(name) {
            (ProgramState::GaveUp, "failed")
        } else if starting.contains(name) {
            (ProgramState::Starting, "starting")
        } else if stopping.contains(name) {
            (ProgramState::Stopping, "stopping")
        } else if started.contains(name) && dead {
            (ProgramState::Exited, "crashed")
        } else if started.contains(name) {
            (ProgramState::Running, "started")
        } else if inactive.contains(name) {
            (ProgramState::Waiting, "inactive")
        } else {
            (ProgramState::Stopped, "stopped")
        };
        let pids = if state == ProgramState::Running { pids } else { Vec::new() };
        program(name, state, said, pids)
    };
    Some(Manager {
        kind: ManagerKind::Openrc,
        home: text_of(state),
        running: true,
        pid: None,
        uid: Some(0),
        user: "root".into(),
        version: Text::default(),
        unit: None,
        started: None,
        last_seen: None,
        log: Text::default(),
        socket: text_of(state),
        config: "/etc/init.d".into(),
        programs: names.into_iter().take(MOST).map(one).collect(),
    })
}

fn program(name: &str, state: ProgramState, said: &str, pids: Vec<u32>) -> ManagedProgram {
    ManagedProgram {
        id: ProgramId { manager: ManagerKind::Openrc, home: STATE.into(), name: Text::new(name) },
        state,
        said: said.into(),
        numbers: Vec::new(),
        wanted: 1,
        up: u32::from(state == ProgramState::Running),
        tree: descendants(&pids),
        pids,
        restarts: None,
        exit: None,
        error: Text::default(),
        started: None,
        stopped: None,
        autorestart: Some(false),
        memory_limit: None,
        command: text_of(&Path::new("/etc/init.d").join(name)),
        folder: Text::default(),
        shares_sockets: false,
        logs: Vec::new(),
        last_words: None,
        claims: Vec::new(),
    }
}

/// Pids that `start-stop-daemon` noted: `daemons/NAME/001` names a pid file.
fn pids_of(root: &Root, name: &str) -> Vec<u32> {
    let folder = Path::new(STATE).join("daemons").join(name);
    let notes = root.list(&folder, 8).map(|(names, _)| names).unwrap_or_default();
    let pid = |note: &String| {
        let text = root.read_text(folder.join(note), LIMIT).ok()?;
        let file = text.lines().find_map(|line| line.strip_prefix("pidfile="))?;
        root.read_text(file.trim(), 64).ok()?.trim().parse().ok()
    };
    notes.iter().filter_map(pid).collect()
}

/// The command of a service, as far as its script and its settings write it out.
pub(super) fn command(root: &Root, name: &str) -> Vec<String> {
    let read =
        |folder: &str| root.read_text(Path::new(folder).join(name), LIMIT).unwrap_or_default();
    let (script, settings) = (read("/etc/init.d"), read("/etc/conf.d"));
    let value = |key: &str| {
        let lines = settings.lines().chain(script.lines());
        let mut found = lines.filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
        found.next().map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
    };
    let Some(program) = value("command") else { return Vec::new() };
    let arguments = ["command_args", "command_args_foreground", "command_args_background"];
    let line = arguments.iter().filter_map(|key| value(key)).fold(program, |a, b| a + " " + &b);
    super::ini::words(&line.replace("${RC_SVCNAME}", name).replace("$RC_SVCNAME", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_from_the_folders_and_a_dead_daemon_is_crashed() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("run/openrc/softlevel", "default\n");
        put("run/openrc/started/shop", "");
        put("run/openrc/started/blog", "");
        put("run/openrc/failed/api", "");
        put("run/openrc/daemons/shop/001", "exec=/x\npidfile=/run/shop.pid\n");
        put("run/shop.pid", "4194999\n");
        put("etc/runlevels/default/cron", "");
        put("etc/init.d/shop", "command=\"/opt/shop\"\ncommand_args=\"--port 3000\"\n");
        let root = Root::new(dir.path());
        let manager = look(&root).unwrap();
        let said: Vec<String> =
            manager.programs.iter().map(|p| format!("{} {}", p.id.name, p.said)).collect();
        assert_eq!(said, ["api failed", "blog started", "cron stopped", "shop crashed"]);
        assert_eq!(command(&root, "shop"), ["/opt/shop", "--port", "3000"]);
        assert!(look(&Root::new(dir.path().join("etc"))).is_none());
    }
}
