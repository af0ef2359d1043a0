//! Which manager processes run on this host.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::{
    host::{
        files::Root,
        permission::Identity,
        proc,
        proc_scan::{View, view, working_directory},
    },
    observation::{Boot, Moment, Owner, UnitName, Wall},
};

/// Bytes of a command line that are looked at.
const COMMAND: u64 = 16 * 1024;
/// Looks at a process after which it is taken for what it is: a new one may still change its title.
const LOOKS: u8 = 4;
/// Seconds after which every process is looked at anew, because pids are used again.
const AGAIN: u64 = 60;
/// Managers that are kept.
const MOST: usize = 96;
/// Of those, managers of one ordinary user: anybody can start processes that call themselves so.
const OF_ONE: usize = 8;
/// Uids below this are the system's own (`login.defs(5)`, `UID_MIN`).
const ORDINARY: u32 = 1_000;

/// What a process is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// PM2's daemon, with its version and home.
    Pm2 { version: String, home: PathBuf },
    /// Supervisor's daemon, with the words of its command line.
    Supervisor { words: Vec<String> },
    /// runit's `runsvdir`, with the folder that it watches.
    Runit { folder: PathBuf },
}

/// A manager that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Daemon {
    pub(super) what: What,
    pub(super) pid: u32,
    pub(super) uid: u32,
    pub(super) unit: Option<UnitName>,
    pub(super) started: Option<Wall>,
    /// Working directory.
    pub(super) folder: Option<PathBuf>,
}

impl Daemon {
    /// As whom the files that it names are read; `None` for root.
    pub(super) fn identity(&self) -> Option<Identity> {
        let status = proc::status(self.pid).ok().filter(|status| status.uid == self.uid);
        let gids = status.map(|status| status.gids).unwrap_or_default();
        (self.uid != 0).then(|| Identity::of(self.uid, gids))
    }
}

/// What is remembered between looks.
#[derive(Debug, Default)]
pub(super) struct Finder {
    looked: BTreeMap<u32, u8>,
    found: BTreeMap<u32, (u64, Daemon)>,
    anew: Option<Boot>,
}

impl Finder {
    /// Managers that run on the host itself: root's first, then those of services, by uid and pid.
    pub(super) fn look(&mut self, now: Moment) -> Vec<Daemon> {
        let pids: BTreeSet<u32> = proc::pids().unwrap_or_default().into_iter().collect();
        if self.anew.is_none_or(|at| now.boot.secs_since(at) >= AGAIN) {
            self.looked.clear();
            self.anew = Some(now.boot);
        }
        self.looked.retain(|pid, _| pids.contains(pid));
        self.found.retain(|pid, (ticks, _)| {
            proc::stat(*pid).is_ok_and(|stat| stat.start_ticks == *ticks)
        });
        for pid in pids {
            let looks = self.looked.entry(pid).or_default();
            if *looks >= LOOKS {
                continue;
            }
            *looks += 1;
            if let Some(found) = daemon(pid, now) {
                self.take(found);
            }
        }
        let mut all: Vec<_> = self.found.values().map(|(_, daemon)| daemon.clone()).collect();
        all.sort_by_key(|daemon| (daemon.uid, daemon.pid));
        all
    }

    /// Keeps a manager. Where there are too many, root's and those of services stay.
    fn take(&mut self, found: (u64, Daemon)) {
        let uid = found.1.uid;
        let own = self.found.values().filter(|(_, daemon)| daemon.uid == uid).count();
        if uid >= ORDINARY && own >= OF_ONE {
            return;
        }
        if self.found.len() >= MOST {
            let last = self.found.values().map(|(_, daemon)| (daemon.uid, daemon.pid)).max();
            match last.filter(|(last, _)| *last > uid) {
                Some((_, pid)) => drop(self.found.remove(&pid)),
                None => return,
            }
        }
        self.found.insert(found.1.pid, found);
    }
}

fn daemon(pid: u32, now: Moment) -> Option<(u64, Daemon)> {
    let bytes = Root::default().read(format!("/proc/{pid}/cmdline"), COMMAND).ok()?;
    let what = recognise(&bytes)?;
    // In a container of its own, pids and paths mean something else.
    if view(pid) == View::Own {
        return None;
    }
    let stat = proc::stat(pid).ok()?;
    let cgroup = proc::cgroup(pid).unwrap_or_default();
    let unit = match Owner::from_cgroup(cgroup.raw()) {
        Some(Owner::Unit(unit)) if unit.is_service() => Some(unit),
        _ => None,
    };
    let age = now.boot.0.checked_sub(stat.start_ticks * (1_000_000 / proc::TICKS_PER_SECOND));
    let started = age.and_then(|age| Some(Wall(now.wall.0.checked_sub(i64::try_from(age).ok()?)?)));
    let daemon = Daemon {
        what,
        pid,
        uid: proc::status(pid).ok()?.uid,
        unit,
        started,
        folder: working_directory(pid),
    };
    Some((stat.start_ticks, daemon))
}

/// Tells a manager by its command line.
fn recognise(command: &[u8]) -> Option<What> {
    let text = String::from_utf8_lossy(command);
    if let Some(rest) = text.strip_prefix("PM2 v") {
        let (version, rest) = rest.split_once(": God Daemon (")?;
        let home = rest.split_once(')')?.0;
        let home = Path::new(home).is_absolute().then(|| PathBuf::from(home))?;
        return Some(What::Pm2 { version: version.chars().take(20).collect(), home });
    }
    let words: Vec<String> =
        text.split('\0').filter(|w| !w.is_empty()).map(str::to_owned).collect();
    let base = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
    let program = base(words.first()?);
    if program == "runsvdir" {
        let folder = words.iter().skip(1).find(|word| word.starts_with('/'))?;
        return Some(What::Runit { folder: PathBuf::from(folder) });
    }
    let script = program.starts_with("python") || program.starts_with("pypy");
    let at = if script { words.iter().skip(1).position(|w| !w.starts_with('-'))? + 1 } else { 0 };
    let is = words.get(at).map(base).is_some_and(|name| name == "supervisord");
    is.then(|| What::Supervisor { words: words.into_iter().skip(at).collect() })
}

/// Bytes of a path as text.
pub(super) fn text_of(path: &Path) -> crate::observation::Text {
    crate::observation::Text::from_bytes(path.as_os_str().as_bytes())
}

/// When a file was last changed.
pub(super) fn changed(root: &Root, path: &Path) -> Option<Wall> {
    let stat = root.stat(path, true).ok()?;
    Some(Wall::from_secs(stat.st_mtime))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(line: &str) -> Option<What> {
        recognise(line.replace('|', "\0").as_bytes())
    }

    #[test]
    fn managers_are_told_by_their_command_lines() {
        assert_eq!(
            of("PM2 v7.0.4: God Daemon (/home/deploy/.pm2)||"),
            Some(What::Pm2 { version: "7.0.4".into(), home: "/home/deploy/.pm2".into() })
        );
        let words = |line: &str| match of(line) {
            Some(What::Supervisor { words }) => words.join(" "),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(
            words("/usr/bin/python3|/usr/bin/supervisord|-n|-c|/etc/s.conf|"),
            "/usr/bin/supervisord -n -c /etc/s.conf"
        );
        assert_eq!(words("/opt/v/bin/supervisord|"), "/opt/v/bin/supervisord");
        assert_eq!(
            of("runsvdir|-P|/etc/service|log: ....|"),
            Some(What::Runit { folder: "/etc/service".into() })
        );
        for other in
            ["vim|/etc/supervisord.conf|", "grep|supervisord|", "PM2 v7: God", "", "node|x|"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn managers_of_ordinary_users_crowd_out_no_manager_of_the_system() {
        let one = |pid, uid| {
            let what = What::Runit { folder: "/x".into() };
            (7, Daemon { what, pid, uid, unit: None, started: None, folder: None })
        };
        let mut finder = Finder::default();
        (0..200).for_each(|n| finder.take(one(1_000 + n, 1_000)));
        assert_eq!(finder.found.len(), OF_ONE);
        (0..200).for_each(|n| finder.take(one(2_000 + n, 100_000 + n)));
        assert_eq!(finder.found.len(), MOST);
        finder.take(one(9_000, 0));
        finder.take(one(9_001, 33));
        assert_eq!(finder.found.len(), MOST);
        assert!(finder.found.contains_key(&9_000) && finder.found.contains_key(&9_001));
    }

    proptest! {
        #[test]
        fn no_command_line_panics(bytes: Vec<u8>, title in "PM2 v.{0,30}") {
            let _ = recognise(&bytes);
            let _ = recognise(title.as_bytes());
        }
    }
}
