//! Where this program keeps what outlives it, decided from who runs it.

use std::path::{Path, PathBuf};

use crate::{
    action::Tools,
    host::{docker, systemd::SYSTEM_BUS},
};

use super::{Arguments, environment};

/// Folders of root's gatemedic.
const ROOT: (&str, &str) = ("/var/lib/gatemedic", "/run/gatemedic");

/// What the hands reach with. root's folders are fixed; the environment of root may be somebody
/// else's.
pub(super) fn tools(arguments: &Arguments) -> Tools {
    let (state, runtime) = match &arguments.state {
        Some(folder) => (folder.clone(), folder.join("run")),
        None if rustix::process::geteuid().is_root() => (ROOT.0.into(), ROOT.1.into()),
        None => own(),
    };
    let candidates: Vec<PathBuf> = match &arguments.docker_socket {
        Some(path) => vec![path.clone()],
        None => docker::SOCKETS.iter().map(PathBuf::from).collect(),
    };
    let docker = docker::find_socket(&candidates);
    Tools { bus: SYSTEM_BUS.to_owned(), docker, state, runtime }
}

/// Folders of an ordinary user (XDG Base Directory Specification).
fn own() -> (PathBuf, PathBuf) {
    let state = environment::folder("XDG_STATE_HOME")
        .or_else(|| environment::folder("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(|| Path::new("/nonexistent").to_owned())
        .join("gatemedic");
    let runtime = environment::folder("XDG_RUNTIME_DIR").map(|folder| folder.join("gatemedic"));
    let runtime = runtime.unwrap_or_else(|| state.join("run"));
    (state, runtime)
}
