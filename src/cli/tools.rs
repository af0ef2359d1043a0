//! Where the hands reach, decided here once: what is read from the host does not move them.

use std::path::PathBuf;

use crate::{
    action::{Tools, audit::Who},
    host::{proc, systemd::SYSTEM_BUS},
    observation::Text,
};

use super::{Arguments, environment};

/// Docker's socket unless another one is named.
const DOCKER: &str = "/var/run/docker.sock";

/// Root's folders are fixed, whatever the environment says: it may be somebody else's (sudo -E).
pub(super) fn tools(arguments: &Arguments) -> Tools {
    let uid = rustix::process::geteuid().as_raw();
    let (state, runtime) = if uid == 0 {
        (PathBuf::from("/var/lib/gatemedic"), PathBuf::from("/run/gatemedic"))
    } else {
        let runtime = PathBuf::from(format!("/run/user/{uid}/gatemedic"));
        let state = environment::state_home().map(|home| home.join("gatemedic"));
        (state.unwrap_or_else(|| runtime.clone()), runtime)
    };
    let docker = arguments.docker_socket.clone().unwrap_or_else(|| PathBuf::from(DOCKER));
    Tools { bus: SYSTEM_BUS.to_owned(), docker: Some(docker), state, runtime }
}

/// Who acts: what the kernel knows, and what the environment claims.
#[expect(dead_code, reason = "asked by whoever acts")]
pub(super) fn who() -> Who {
    Who {
        uid: rustix::process::getuid().as_raw(),
        user: Text::new(environment::login()),
        sudo_user: environment::sudo_user().map(Text::new),
        login_uid: proc::login_uid(),
        ssh_client: environment::ssh_client().map(Text::new),
    }
}
