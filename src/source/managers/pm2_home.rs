//! Homes of PM2: of daemons that run, of users, and of units that start PM2 at boot.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    finds::{Daemon, What, changed, text_of},
    users::{User, name_of},
};
use crate::{
    host::{files::Root, managers::Door},
    observation::{Manager, ManagerKind, UnitName},
};

/// Homes looked at.
const MOST: usize = 64;
/// Unit files read.
const UNITS: usize = 64;
const UNIT_LIMIT: u64 = 64 * 1024;

/// A home of PM2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    /// What is known of the manager; its programs are not in it.
    pub(super) manager: Manager,
    /// Where its daemon listens.
    pub(super) door: Door,
}

/// All homes, by path.
pub(super) fn homes(root: &Root, users: &[User], daemons: &[Daemon]) -> Vec<Home> {
    let mut all: BTreeMap<PathBuf, Home> = BTreeMap::new();
    for daemon in daemons {
        let What::Pm2 { version, home } = &daemon.what else { continue };
        // Everybody can call itself so: the home's owner is believed first.
        let owner = root.stat(home, true).ok().map(|stat| stat.st_uid);
        if owner != Some(daemon.uid)
            && all.get(home).is_some_and(|known| known.manager.uid == owner)
        {
            continue;
        }
        let mut found = home_at(home, daemon.uid, users);
        found.manager.running = true;
        found.manager.pid = Some(daemon.pid);
        found.manager.version = version.as_str().into();
        found.manager.unit = daemon.unit.clone().or(found.manager.unit);
        found.manager.started = daemon.started;
        all.insert(home.clone(), found);
    }
    let units = units(root);
    let by_unit = units.iter().filter_map(|unit| unit.home.clone().zip(Some(unit)));
    for (home, unit) in by_unit {
        let uid = users.iter().find(|user| user.name == unit.user).map_or(0, |user| user.uid);
        let entry = all.entry(home.clone()).or_insert_with(|| home_at(&home, uid, users));
        entry.manager.unit = entry.manager.unit.clone().or_else(|| Some(unit.name.clone()));
    }
    for user in users {
        let home = user.home.join(".pm2");
        let known = all.contains_key(&home);
        if !known
            && all.len() < MOST
            && ["dump.pm2", "rpc.sock"].iter().any(|name| is(root, &home, name))
        {
            all.insert(home.clone(), home_at(&home, user.uid, users));
        }
    }
    for home in all.values_mut().filter(|home| !home.manager.running) {
        let path = PathBuf::from(home.manager.home.raw());
        let signs = ["pm2.log", "pm2.pid"].map(|name| changed(root, &path.join(name)));
        home.manager.last_seen = signs.into_iter().flatten().max();
    }
    // Root's and those of services first.
    let mut all: Vec<Home> = all.into_values().collect();
    all.sort_by_key(|home| home.manager.uid);
    all.truncate(MOST);
    all
}

fn is(root: &Root, home: &Path, name: &str) -> bool {
    root.stat(home.join(name), true).is_ok()
}

fn home_at(home: &Path, uid: u32, users: &[User]) -> Home {
    let user = name_of(users, uid);
    let socket = home.join("rpc.sock");
    Home {
        manager: Manager {
            kind: ManagerKind::Pm2,
            home: text_of(home),
            running: false,
            pid: None,
            uid: Some(uid),
            unit: UnitName::new(format!("pm2-{user}.service")).ok(),
            user: user.as_str().into(),
            version: "".into(),
            started: None,
            last_seen: None,
            log: text_of(&home.join("pm2.log")),
            socket: text_of(&socket),
            config: text_of(&home.join("dump.pm2")),
            programs: Vec::new(),
        },
        door: Door { path: socket, uid: Some(uid) },
    }
}

/// A unit that starts PM2.
struct Starter {
    name: UnitName,
    user: String,
    home: Option<PathBuf>,
}

/// Units that `pm2 startup` wrote.
fn units(root: &Root) -> Vec<Starter> {
    let folder = Path::new("/etc/systemd/system");
    let names = root.list(folder, 4_096).map(|(names, _)| names).unwrap_or_default();
    let ours =
        names.into_iter().filter(|name| name.starts_with("pm2") && name.ends_with(".service"));
    let read = |file: String| {
        let text = root.read_text(folder.join(&file), UNIT_LIMIT).ok()?;
        let after = |key: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
            line.map(|value| value.trim().trim_matches('"').to_owned())
        };
        let home = after("Environment=PM2_HOME=").or_else(|| after("Environment=\"PM2_HOME="));
        Some(Starter {
            name: UnitName::new(file).ok()?,
            user: after("User=").unwrap_or_else(|| "root".to_owned()),
            home: home.map(PathBuf::from).filter(|home| home.is_absolute()),
        })
    };
    ours.take(UNITS).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = Root::new(dir.path());
        (dir, root)
    }

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nno\n";

    #[test]
    fn a_home_with_a_saved_list_counts_although_no_daemon_runs() {
        let (_dir, root) = tree(&[("/etc/passwd", PASSWD), ("/home/ann/.pm2/dump.pm2", "[]")]);
        let users = super::super::users::users(&root);
        let all = homes(&root, &users, &[]);
        assert_eq!(all.len(), 1);
        let manager = &all[0].manager;
        assert_eq!((manager.running, manager.uid, manager.user.raw()), (false, Some(1000), "ann"));
        assert_eq!(manager.unit, UnitName::new("pm2-ann.service").ok());
        assert_eq!(manager.last_seen, None);
    }

    #[test]
    fn a_unit_that_starts_pm2_names_its_home() {
        let unit =
            "[Service]\nUser=ann\nEnvironment=PM2_HOME=/srv/pm2\nExecStart=/x/pm2 resurrect\n";
        let file = ("/etc/systemd/system/pm2-shop.service", unit);
        let (_dir, root) = tree(&[("/etc/passwd", PASSWD), file]);
        let users = super::super::users::users(&root);
        let all = homes(&root, &users, &[]);
        assert_eq!(all[0].manager.home.raw(), "/srv/pm2");
        assert_eq!(all[0].manager.uid, Some(1000));
    }

    #[test]
    fn a_daemon_is_no_second_home() {
        let (_dir, root) = tree(&[("/etc/passwd", PASSWD), ("/root/.pm2/dump.pm2", "[]")]);
        let users = super::super::users::users(&root);
        let what = What::Pm2 { version: "7.0.4".into(), home: "/root/.pm2".into() };
        let daemon = Daemon { what, pid: 7, uid: 0, unit: None, started: None, folder: None };
        let all = homes(&root, &users, &[daemon]);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].manager.running, all[0].manager.pid), (true, Some(7)));
    }

    #[test]
    fn another_users_process_that_calls_itself_the_daemon_does_not_take_its_place() {
        use std::os::unix::fs::MetadataExt;
        let (dir, root) = tree(&[("/etc/passwd", PASSWD), ("/root/.pm2/dump.pm2", "[]")]);
        let owner = std::fs::metadata(dir.path().join("root/.pm2")).unwrap().uid();
        let what = What::Pm2 { version: "7.0.4".into(), home: "/root/.pm2".into() };
        let daemon = |pid, uid| Daemon {
            what: what.clone(),
            pid,
            uid,
            unit: None,
            started: None,
            folder: None,
        };
        for order in [[(7, owner), (9, owner + 1)], [(5, owner + 1), (7, owner)]] {
            let all = homes(&root, &[], &order.map(|(pid, uid)| daemon(pid, uid)));
            assert_eq!((all.len(), all[0].manager.pid), (1, Some(7)));
        }
    }
}
