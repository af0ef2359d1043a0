//! Where the hands reach and who moves them, decided here once: what is read from the host does not
//! change it.

use std::path::PathBuf;

use crate::{
    action::{Tools, audit::Who},
    host::{docker, proc, systemd::SYSTEM_BUS},
    observation::Text,
};

use super::{Arguments, environment};

/// Root's folders are fixed, whatever the environment says: it may be somebody else's (sudo -E).
pub(super) fn tools(arguments: &Arguments) -> Tools {
    // A practice world was checked to be ours and to run, and what is outside it is refused by whoever
    // acts: its record of deeds is of that world alone.
    if let Some(scope) = &arguments.practice {
        let state = scope.folder.join("state");
        let runtime = state.join("run");
        return Tools { bus: String::new(), docker: None, state, runtime };
    }
    let uid = rustix::process::geteuid().as_raw();
    let (state, runtime) = match arguments.state() {
        Some(folder) => (folder.to_owned(), folder.join("run")),
        None if uid == 0 => of_root(),
        None => {
            let runtime = PathBuf::from(format!("/run/user/{uid}/gatemedic"));
            let state = environment::state_home().map(|home| home.join("gatemedic"));
            (state.unwrap_or_else(|| runtime.clone()), runtime)
        }
    };
    let candidates: Vec<PathBuf> = match &arguments.docker_socket {
        Some(path) => vec![path.clone()],
        None => docker::SOCKETS.iter().map(PathBuf::from).collect(),
    };
    let users = || docker::engines().into_iter().map(|(socket, _)| socket).next();
    let given = arguments.docker_socket.is_some();
    let docker = docker::find_socket(&candidates).or_else(|| users().filter(|_| !given));
    Tools { bus: SYSTEM_BUS.to_owned(), docker, state, runtime }
}

/// Where root's state and what only lives while the host runs stand.
pub(super) fn of_root() -> (PathBuf, PathBuf) {
    (PathBuf::from("/var/lib/gatemedic"), PathBuf::from("/run/gatemedic"))
}

/// Who acts: what the kernel knows, and what the environment claims.
pub(super) fn who() -> Who {
    Who {
        uid: rustix::process::getuid().as_raw(),
        user: Text::new(environment::login()),
        sudo_user: environment::sudo_user().map(Text::new),
        login_uid: proc::login_uid(),
        ssh_client: environment::ssh_client().map(Text::new),
    }
}
