//! Whether a connection would start the engine.
//!
//! With `docker.socket`, systemd listens in the engine's place while it is stopped, and the first
//! connection starts it, and with it every container that is to be restarted. An engine that was
//! stopped on purpose must stay so while it is looked at.

use std::path::Path;

use rustix::fs::Stat;

use crate::host::files::Root;

const UNITS: [&str; 3] = [
    "etc/systemd/system/docker.socket",
    "lib/systemd/system/docker.socket",
    "usr/lib/systemd/system/docker.socket",
];
const GROUPS: [&str; 3] = [
    "sys/fs/cgroup/system.slice/docker.service",
    "sys/fs/cgroup/systemd/system.slice/docker.service",
    "sys/fs/cgroup/unified/system.slice/docker.service",
];

/// Whether asking Docker's own `socket` would start an engine that does not run.
pub(super) fn would_start(socket: &Path, stat: &Stat) -> bool {
    let docker = Path::new("/run/docker.sock");
    let own = socket == docker
        || socket.strip_prefix("/var").is_ok_and(|rest| rest == Path::new("run/docker.sock"));
    own && is_dormant(Path::new("/"), stat.st_dev)
}

/// The same for a host whose files are below `host` and whose socket lies on `device`.
fn is_dormant(host: &Path, device: u64) -> bool {
    let root = Root::default();
    let present = |path: &str| root.stat(host.join(path), true).is_ok();
    // Cheapest first: mostly the engine runs.
    let pid = root.read_text(host.join("run/docker.pid"), 32).unwrap_or_default();
    if let Ok(pid) = pid.trim().parse::<u32>() {
        let name = root.read_text(host.join(format!("proc/{pid}/comm")), 64);
        if name.is_ok_and(|name| name.trim() == "dockerd") {
            return false;
        }
    }
    // A socket from another host or container is mounted here: systemd here does not serve it.
    let local = root.stat(host.join("run"), true).is_ok_and(|run| run.st_dev == device);
    local
        && present("run/systemd/system")
        && UNITS.iter().any(|unit| present(unit))
        && !GROUPS.iter().any(|group| present(group))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt};

    use super::*;

    #[test]
    fn only_a_socket_that_systemd_holds_for_a_stopped_engine_is_dormant() {
        let dir = tempfile::tempdir().unwrap();
        let (host, device) = (dir.path(), fs::metadata(dir.path()).unwrap().dev());
        let make = |path: &str| {
            fs::create_dir_all(host.join(path).parent().unwrap()).unwrap();
            fs::write(host.join(path), "").unwrap();
        };
        make("run/docker.sock");
        assert!(!is_dormant(host, device), "no systemd");
        make("run/systemd/system");
        assert!(!is_dormant(host, device), "no socket unit");
        make("lib/systemd/system/docker.socket");
        assert!(is_dormant(host, device));
        assert!(!is_dormant(host, device + 1), "the socket is mounted from elsewhere");
        fs::write(host.join("run/docker.pid"), "77").unwrap();
        assert!(is_dormant(host, device), "a stale pid file");
        make("proc/77/comm");
        fs::write(host.join("proc/77/comm"), "dockerd\n").unwrap();
        assert!(!is_dormant(host, device), "it runs");
        fs::remove_file(host.join("run/docker.pid")).unwrap();
        make("sys/fs/cgroup/system.slice/docker.service");
        assert!(!is_dormant(host, device), "its unit has processes");
    }
}
