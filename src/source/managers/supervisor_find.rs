//! Supervisors of this host: those that run, and one that is set up and does not.

use std::path::{Path, PathBuf};

use super::{
    finds::{Daemon, What, text_of},
    supervisor_config::{Config, read},
    users::{User, name_of},
};
use crate::{
    host::{files::Root, managers::Door, permission::Identity},
    observation::{Manager, ManagerKind, UnitName},
};

/// Where Supervisor looks for its configuration, and where packages put it.
const CONFIGS: [&str; 3] = [
    "/etc/supervisor/supervisord.conf",
    "/etc/supervisord.conf",
    "/usr/local/etc/supervisord.conf",
];
/// Where it listens when its configuration cannot be read.
const SOCKETS: [&str; 3] =
    ["/run/supervisor.sock", "/var/run/supervisor/supervisor.sock", "/tmp/supervisor.sock"];
const UNITS: [&str; 2] = ["supervisor.service", "supervisord.service"];

/// A Supervisor.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// What is known of the manager; its programs are not in it.
    pub(super) manager: Manager,
    /// Where it listens, when that is known.
    pub(super) door: Option<Door>,
    pub(super) config: Config,
}

/// All Supervisors, the running ones first.
pub(super) fn all(root: &Root, users: &[User], daemons: &[Daemon]) -> Vec<Found> {
    let mut list = running(root, users, daemons);
    for file in CONFIGS.map(PathBuf::from) {
        let known = list.iter().any(|one| one.manager.config == text_of(&file));
        if !known && root.stat(&file, true).is_ok() {
            let mut resting = found(root, Some(file), 0, None, users);
            let there = |unit: &&&'static str| {
                let folders =
                    ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];
                folders.iter().any(|folder| root.stat(Path::new(folder).join(**unit), true).is_ok())
            };
            let unit = UNITS.iter().find(there);
            resting.manager.unit = unit.and_then(|name| UnitName::new(*name).ok());
            // Two that would share a socket are one.
            if !list.iter().any(|one| one.manager.home == resting.manager.home) {
                list.push(resting);
            }
        }
    }
    list
}

/// Those that run.
pub(super) fn running(root: &Root, users: &[User], daemons: &[Daemon]) -> Vec<Found> {
    let mut list: Vec<Found> = Vec::new();
    for daemon in daemons {
        let What::Supervisor { words } = &daemon.what else { continue };
        let file = config_of(root, words, daemon.folder.as_deref());
        let who = daemon.identity();
        let mut one = found(root, file, daemon.uid, who.as_ref(), users);
        one.manager.running = true;
        one.manager.pid = Some(daemon.pid);
        one.manager.started = daemon.started;
        one.manager.unit = daemon.unit.clone();
        list.push(one);
    }
    list
}

fn found(
    root: &Root,
    file: Option<PathBuf>,
    uid: u32,
    who: Option<&Identity>,
    users: &[User],
) -> Found {
    let config = file.as_deref().map(|file| read(root, file, who)).unwrap_or_default();
    let usual =
        || SOCKETS.map(PathBuf::from).into_iter().find(|path| root.stat(path, true).is_ok());
    let socket = config.socket.clone().or_else(usual);
    let shown = file.clone().unwrap_or_default();
    Found {
        manager: Manager {
            kind: ManagerKind::Supervisor,
            home: text_of(socket.as_deref().unwrap_or(&shown)),
            running: false,
            pid: None,
            uid: Some(uid),
            user: name_of(users, uid).as_str().into(),
            version: "".into(),
            unit: None,
            started: None,
            last_seen: None,
            log: config.log.as_deref().map(text_of).unwrap_or_default(),
            socket: socket.as_deref().map(text_of).unwrap_or_default(),
            config: text_of(&shown),
            programs: Vec::new(),
        },
        door: socket.map(|path| Door { path, uid: Some(uid) }),
        config,
    }
}

/// The configuration that a command line names, or the one that it leads to by itself.
fn config_of(root: &Root, words: &[String], folder: Option<&Path>) -> Option<PathBuf> {
    let folder = folder.unwrap_or(Path::new("/"));
    if let Some(named) = named(words) {
        return Some(folder.join(named));
    }
    let beside = ["supervisord.conf", "etc/supervisord.conf"].map(|name| folder.join(name));
    let usual = ["/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"].map(PathBuf::from);
    beside.into_iter().chain(usual).find(|path| root.stat(path, true).is_ok())
}

fn named(words: &[String]) -> Option<&str> {
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        if word == "-c" || word == "--configuration" {
            return rest.next().map(String::as_str);
        }
        if let Some(value) = word.strip_prefix("--configuration=") {
            return Some(value);
        }
        // -nc /x and -c/x: short options may stand together.
        if word.starts_with('-')
            && !word.starts_with("--")
            && let Some((_, value)) = word.split_once('c')
        {
            return if value.is_empty() { rest.next().map(String::as_str) } else { Some(value) };
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_the_one_that_the_command_line_names() {
        let of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            named(&words).map(str::to_owned)
        };
        for line in ["s -n -c /x.conf", "s -c/x.conf", "s -nc /x.conf", "s --configuration=/x.conf"]
        {
            assert_eq!(of(line).as_deref(), Some("/x.conf"), "{line}");
        }
        assert_eq!(of("s -n"), None);
    }

    #[test]
    fn one_that_is_set_up_and_does_not_run_is_known_with_its_unit() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("etc/supervisor/supervisord.conf", "[unix_http_server]\nfile=/run/s.sock\n");
        put("lib/systemd/system/supervisor.service", "");
        let all = all(&Root::new(dir.path()), &[], &[]);
        assert_eq!(all.len(), 1);
        assert!(!all[0].manager.running);
        assert_eq!(all[0].manager.home.raw(), "/run/s.sock");
        assert_eq!(all[0].manager.unit, UnitName::new("supervisor.service").ok());
    }
}
