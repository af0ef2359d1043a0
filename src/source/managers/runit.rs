//! runit: the state that `runsv` keeps of each service.

use std::path::{Path, PathBuf};

use super::{
    finds::{Daemon, What, text_of},
    tree::descendants,
};
use crate::{
    host::files::{FileError, Root},
    observation::{ManagedProgram, Manager, ManagerKind, ProgramId, ProgramState, Text, Wall},
    source::sweep::Blindness,
};

/// Where services stand when no `runsvdir` is seen.
const FOLDERS: [&str; 3] = ["/etc/service", "/var/service", "/service"];
/// Services read.
const MOST: usize = 256;
/// Label of the second 0 in TAI64, which runit takes for the Unix epoch plus ten seconds.
const TAI_OF_EPOCH: u64 = (1 << 62) + 10;

/// The services of every folder that is watched.
pub(super) fn look(root: &Root, daemons: &[Daemon], blind: &mut Blindness) -> Vec<Manager> {
    let mut folders: Vec<(PathBuf, Option<&Daemon>)> = Vec::new();
    for daemon in daemons {
        if let What::Runit { folder } = &daemon.what {
            folders.push((folder.clone(), Some(daemon)));
        }
    }
    if folders.is_empty() {
        let folder = FOLDERS.map(PathBuf::from).into_iter().find(|f| is_watched(root, f));
        folders.extend(folder.map(|folder| (folder, None)));
    }
    folders.truncate(4);
    let one = |(folder, daemon): (PathBuf, Option<&Daemon>)| {
        let programs = services(root, &folder, blind);
        (!programs.is_empty()).then(|| Manager {
            kind: ManagerKind::Runit,
            home: text_of(&folder),
            running: daemon.is_some(),
            pid: daemon.map(|d| d.pid),
            uid: daemon.map(|d| d.uid),
            user: Text::default(),
            version: Text::default(),
            unit: daemon.and_then(|d| d.unit.clone()),
            started: daemon.and_then(|d| d.started),
            last_seen: None,
            log: Text::default(),
            socket: text_of(&folder),
            config: text_of(&folder),
            programs,
        })
    };
    folders.into_iter().filter_map(one).collect()
}

fn is_watched(root: &Root, folder: &Path) -> bool {
    let names = root.list(folder, MOST).map(|(names, _)| names).unwrap_or_default();
    names.iter().any(|name| root.stat(folder.join(name).join("supervise"), true).is_ok())
}

fn services(root: &Root, folder: &Path, blind: &mut Blindness) -> Vec<ManagedProgram> {
    let names = root.list(folder, MOST).map(|(names, _)| names).unwrap_or_default();
    let mut all = Vec::new();
    for name in names.into_iter().filter(|name| !name.starts_with('.')) {
        let service = folder.join(&name);
        let status = root.read(service.join("supervise/status"), 64);
        let known = match &status {
            Ok(bytes) => status_of(bytes),
            Err(FileError::Denied) => {
                let hides = "whether runit's services run";
                blind.add(&text_of(folder).to_string(), "permission denied", hides, "run as root");
                None
            }
            Err(_) => continue,
        };
        let (state, pid, since) = known.unwrap_or((ProgramState::Unknown, None, None));
        let pids: Vec<u32> = pid.into_iter().collect();
        all.push(ManagedProgram {
            id: ProgramId {
                manager: ManagerKind::Runit,
                home: text_of(folder),
                name: Text::new(&name),
            },
            said: state.as_str().into(),
            state,
            numbers: Vec::new(),
            wanted: 1,
            up: u32::from(state == ProgramState::Running),
            tree: descendants(&pids),
            pids,
            restarts: None,
            exit: None,
            error: Text::default(),
            started: since.filter(|_| state == ProgramState::Running),
            stopped: since.filter(|_| state != ProgramState::Running),
            autorestart: Some(true),
            memory_limit: None,
            command: text_of(&service.join("run")),
            folder: text_of(&service),
            shares_sockets: false,
            logs: Vec::new(),
            last_words: None,
            claims: Vec::new(),
        });
    }
    all
}

/// Reads `supervise/status`: a TAI64N stamp (12 bytes), the pid (4, little-endian), whether it is
/// paused, what is wanted (`u`, `d`), whether TERM was sent, and what runs.
fn status_of(bytes: &[u8]) -> Option<(ProgramState, Option<u32>, Option<Wall>)> {
    let (stamp, rest) = bytes.split_first_chunk::<8>()?;
    let (_, rest) = rest.split_first_chunk::<4>()?;
    let (pid, rest) = rest.split_first_chunk::<4>()?;
    let secs = u64::from_be_bytes(*stamp).checked_sub(TAI_OF_EPOCH);
    let since = secs.and_then(|secs| i64::try_from(secs).ok()).filter(|s| *s > 0 && *s < 1 << 40);
    let pid = Some(u32::from_le_bytes(*pid)).filter(|pid| *pid > 0);
    let [_paused, want, term, run] = *rest.first_chunk::<4>()?;
    let state = match (run, want) {
        (1, _) if term != 0 => ProgramState::Stopping,
        (1, _) => ProgramState::Running,
        (0, b'd') => ProgramState::Stopped,
        // Its run script ended and is started again within a second, or its finish script runs.
        _ => ProgramState::Waiting,
    };
    Some((state, pid, since.map(Wall::from_secs)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn status(want: u8, run: u8, pid: u32) -> Vec<u8> {
        let mut bytes = (TAI_OF_EPOCH + 1_795_183_200).to_be_bytes().to_vec();
        bytes.extend([0; 4]);
        bytes.extend(pid.to_le_bytes());
        bytes.extend([0, want, 0, run]);
        bytes
    }

    #[test]
    fn the_state_of_a_service_is_read_with_its_time() {
        let at = Some(Wall::from_secs(1_795_183_200));
        assert_eq!(status_of(&status(b'u', 1, 77)), Some((ProgramState::Running, Some(77), at)));
        assert_eq!(status_of(&status(b'd', 0, 0)), Some((ProgramState::Stopped, None, at)));
        assert_eq!(status_of(&status(b'u', 0, 0)), Some((ProgramState::Waiting, None, at)));
        assert_eq!(status_of(b"short"), None);
    }

    #[test]
    fn a_folder_of_services_is_a_manager() {
        let dir = tempfile::tempdir().unwrap();
        let service = dir.path().join("etc/service/shop/supervise");
        std::fs::create_dir_all(&service).unwrap();
        std::fs::write(service.join("status"), status(b'd', 0, 0)).unwrap();
        let all = look(&Root::new(dir.path()), &[], &mut Blindness::default());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].programs[0].id.name.raw(), "shop");
        assert_eq!(all[0].programs[0].state, ProgramState::Stopped);
    }

    proptest! {
        #[test]
        fn no_status_panics(bytes: Vec<u8>) {
            let _ = status_of(&bytes);
        }
    }
}
