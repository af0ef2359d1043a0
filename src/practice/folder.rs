//! The private folder of a world: made, marked, and removed again, also after a console that was
//! killed. Only what is ours by owner, mode and mark is ever removed, relative to descriptors and
//! without following a link.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, StatVfsMountFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use crate::{
    host::{own_folder::OwnFolder, pidfd::Held, proc, scope::Scope},
    observation::RunState,
};

use super::{setup::GATEWAY, title::own_start};

/// How folders of practice are called; maker's pid and start follow.
const PREFIX: &str = "gatemedic-practice-";
/// The file that says that a folder is ours.
pub(super) const MARK: &str = ".gatemedic-practice";
/// Bytes of a mark.
const MARK_BYTES: u64 = 4_096;
/// Deepest folder in a world.
const DEPTH: u8 = 8;
/// Names of one folder in a world that are looked at, and of one in which worlds stand.
const NAMES: usize = 4_096;
const MOST_NAMES: usize = 1 << 20;
/// How long a killed process may take to end.
const DYING: Duration = Duration::from_secs(2);

/// A process that is told from others with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marked {
    /// Pid.
    pid: u32,
    /// Start in ticks since boot.
    start_ticks: u64,
}

impl Marked {
    /// This process.
    pub(super) fn own() -> Self {
        Self { pid: std::process::id(), start_ticks: own_start() }
    }

    /// Whether it runs.
    fn is_alive(self) -> bool {
        proc::stat(self.pid)
            .is_ok_and(|stat| stat.start_ticks == self.start_ticks && stat.state != RunState::Dead)
    }
}

/// What stands in the mark of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// The custodian, once it runs.
    custodian: Option<Marked>,
}

/// Where folders of practice may be: programs must be allowed to run there.
fn grounds() -> Vec<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let all: Vec<PathBuf> = if uid == 0 {
        ["/run", "/var/lib", "/tmp"].map(PathBuf::from).into()
    } else {
        vec![format!("/run/user/{uid}").into(), "/tmp".into(), "/var/tmp".into()]
    };
    let runs = |path: &PathBuf| {
        rustix::fs::statvfs(path).is_ok_and(|stat| {
            !stat.f_flag.intersects(StatVfsMountFlags::NOEXEC | StatVfsMountFlags::RDONLY)
        })
    };
    all.into_iter().filter(runs).collect()
}

/// The number of this process's next folder.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Makes a folder with its mark. root's lets others pass through: the gateway's workers are not root.
pub(super) fn make() -> io::Result<PathBuf> {
    let own = Marked::own();
    let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
    let mut last = io::Error::other("there is no folder in which programs may run");
    for ground in grounds() {
        for _ in 0..16_u8 {
            // No name twice: who still removes a folder that is gone must not meet the next one.
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{PREFIX}{}-{}-{number}", own.pid, own.start_ticks);
            let path = ground.join(name);
            match rustix::fs::mkdir(&path, Mode::from_raw_mode(mode)) {
                Ok(()) => {
                    rustix::fs::chmod(&path, Mode::from_raw_mode(mode))?;
                    mark(&path, None)?;
                    return Ok(path);
                }
                Err(Errno::EXIST) => {}
                Err(error) => {
                    last = error.into();
                    break;
                }
            }
        }
    }
    Err(last)
}

/// Writes the mark.
pub(super) fn mark(folder: &Path, custodian: Option<Marked>) -> io::Result<()> {
    let folder = OwnFolder::open(folder).map_err(|error| io::Error::other(error.to_string()))?;
    folder.put(MARK, &serde_json::to_vec(&Mark { custodian })?)
}

/// The custodian of a folder of ours, when there is one and it runs.
pub(super) fn custodian(folder: &Path) -> Option<Marked> {
    let named = folder.file_name()?.to_str()?.starts_with(PREFIX);
    let held = OwnFolder::open(folder).ok().filter(|_| named && folder.is_absolute())?;
    let mark: Mark = serde_json::from_slice(&held.read(MARK, MARK_BYTES).ok()?).ok()?;
    mark.custodian.filter(|custodian| custodian.is_alive())
}

/// The world in a folder of ours, when it runs.
pub fn scope(folder: &Path) -> Option<Scope> {
    let custodian = custodian(folder)?;
    Some(Scope { folder: folder.to_owned(), custodian: custodian.pid })
}

/// Whether a program file lies in a marked folder of practice, and which.
pub(super) fn of_program(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?.parent()?;
    let named = folder.file_name()?.to_str()?.starts_with(PREFIX);
    if !named {
        return None;
    }
    // The gateway's workers are not root when their folder is root's.
    let owner = rustix::fs::lstat(folder).ok()?;
    let own = rustix::process::geteuid().as_raw();
    let fits = (owner.st_uid == own || owner.st_uid == 0)
        && FileType::from_raw_mode(owner.st_mode).is_dir()
        && owner.st_mode & 0o022 == 0;
    let mark = rustix::fs::lstat(folder.join(MARK)).ok()?;
    let marked = FileType::from_raw_mode(mark.st_mode).is_file() && mark.st_uid == owner.st_uid;
    (fits && marked).then(|| folder.to_owned())
}

/// Removes the folders of worlds whose makers and custodians are gone, and ends what is left of
/// their processes.
pub fn sweep() {
    for ground in grounds() {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(held) = rustix::fs::openat(CWD, &ground, flags, Mode::empty()) else { continue };
        let Ok(entries) = Dir::read_from(&held) else { continue };
        // Others may have filled it with as many names as they like.
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let ours = names.take(MOST_NAMES).filter(|name| name.starts_with(PREFIX));
        for name in ours {
            let Some(maker) = maker(&name).filter(|maker| !maker.is_alive()) else { continue };
            let folder = ground.join(&name);
            if maker != Marked::own() && custodian(&folder).is_none() {
                remove(&folder);
            }
        }
    }
}

/// Who made a folder of this name.
fn maker(name: &str) -> Option<Marked> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    let pid = parts.next()?.parse().ok()?;
    let start_ticks = parts.next()?.parse().ok()?;
    Some(Marked { pid, start_ticks })
}

/// Removes a folder of ours with everything in it, and ends what still runs in it.
pub(super) fn remove(folder: &Path) {
    let Some(name) = folder
        .file_name()
        .filter(|name| name.to_str().is_some_and(|name| name.starts_with(PREFIX)))
    else {
        return;
    };
    let Some(ground) = folder.parent() else { return };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(ground) = rustix::fs::openat(CWD, ground, flags, Mode::empty()) else { return };
    let Ok(held) = rustix::fs::openat(&ground, name, flags, Mode::empty()) else { return };
    let Ok(stat) = rustix::fs::fstat(&held) else { return };
    let ours = stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_mode & 0o022 == 0;
    if !ours {
        return;
    }
    let marked = rustix::fs::statat(&held, MARK, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|mark| {
        mark.st_uid == stat.st_uid && FileType::from_raw_mode(mark.st_mode).is_file()
    });
    if marked {
        end_inhabitants(folder);
        // The mark goes last: what is left of a removal that broke off is still ours.
        empty(held.as_fd(), DEPTH, Some(MARK));
        let _ = rustix::fs::unlinkat(&held, MARK, AtFlags::empty());
    }
    // Without a mark only an empty one is removed: it was made and never marked.
    let _ = rustix::fs::unlinkat(&ground, name, AtFlags::REMOVEDIR);
}

/// Empties a folder that is held open.
fn empty(folder: BorrowedFd<'_>, depth: u8, but: Option<&str>) {
    let Ok(entries) = Dir::read_from(folder) else { return };
    for entry in entries.take(NAMES).flatten() {
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..")
            || but.is_some_and(|but| name.to_bytes() == but.as_bytes())
        {
            continue;
        }
        match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) if depth > 0 => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let inner: Result<OwnedFd, Errno> =
                    rustix::fs::openat(folder, name, flags, Mode::empty());
                if let Ok(inner) = inner {
                    empty(inner.as_fd(), depth - 1, None);
                    let _ = rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR);
                }
            }
            _ => {}
        }
    }
}

/// Kills processes whose program lies in a folder of ours, and a real gateway that works there: its
/// workers outlive a master that was killed. A shell or an editor of whoever looks around in it stays.
fn end_inhabitants(folder: &Path) {
    let link = |pid: u32, name: &str| {
        let path = rustix::fs::readlink(format!("/proc/{pid}/{name}"), Vec::new()).ok()?;
        Some(PathBuf::from(path.to_string_lossy().into_owned()))
    };
    let inside = |path: &Path| path.starts_with(folder);
    let lives = |pid: u32| {
        link(pid, "exe").is_some_and(|exe| {
            inside(&exe) || is_gateway(&exe) && link(pid, "cwd").is_some_and(|cwd| inside(&cwd))
        })
    };
    let own = std::process::id();
    for pid in proc::pids().unwrap_or_default().into_iter().filter(|pid| *pid != own) {
        if lives(pid)
            && let Ok(held) = Held::open(pid)
            && lives(pid)
        {
            let _ = held.kill();
            let _ = held.wait(DYING);
        }
    }
}

/// Whether a program file is a gateway's; one that was replaced meanwhile is `nginx (deleted)`.
fn is_gateway(exe: &Path) -> bool {
    let name = exe.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split(' ').next() == Some(GATEWAY)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_goes_with_everything_in_it_and_a_link_in_it_leads_nowhere() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("kept"), "x").unwrap();
        let folder = make().unwrap();
        std::fs::create_dir_all(folder.join("a/b")).unwrap();
        std::fs::write(folder.join("a/b/c"), "x").unwrap();
        symlink(outside.path(), folder.join("a/link")).unwrap();
        remove(&folder);
        assert!(!folder.exists());
        assert!(outside.path().join("kept").exists());
    }

    #[test]
    fn who_looks_around_in_a_folder_outlives_it_and_a_gateway_that_works_there_does_not() {
        let folder = make().unwrap();
        let bin = tempfile::tempdir_in(folder.parent().unwrap()).unwrap();
        let gateway = bin.path().join("nginx");
        std::fs::copy("/bin/sleep", &gateway).unwrap();
        let start = |program: &Path| {
            let mut command = std::process::Command::new(program);
            command.arg("1000").current_dir(&folder).spawn().unwrap()
        };
        let (mut guest, mut worker) = (start(Path::new("/bin/sleep")), start(&gateway));
        remove(&folder);
        assert!(!folder.exists());
        assert_eq!(guest.try_wait().unwrap(), None, "a guest was killed");
        assert!(worker.wait().unwrap().code().is_none(), "the worker was killed");
        guest.kill().unwrap();
        guest.wait().unwrap();
    }

    #[test]
    fn a_folder_that_is_removed_twice_is_not_the_next_one() {
        let first = make().unwrap();
        remove(&first);
        let next = make().unwrap();
        remove(&first);
        assert!(next.exists());
        remove(&next);
    }

    #[test]
    fn what_is_not_marked_or_not_called_so_stays() {
        let ground = tempfile::tempdir().unwrap();
        for name in ["gatemedic-practice-1-2-0", "other"] {
            let folder = ground.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("kept"), "x").unwrap();
            std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
                .unwrap();
            remove(&folder);
            assert!(folder.join("kept").exists(), "{name}");
        }
        let real = ground.path().join("gatemedic-practice-1-2-0");
        std::fs::write(real.join(MARK), "{}").unwrap();
        let link = ground.path().join("gatemedic-practice-3-4-0");
        symlink(&real, &link).unwrap();
        remove(&link);
        assert!(real.join("kept").exists(), "a link is not followed");
        remove(&real);
        assert!(!real.exists());
    }

    #[test]
    fn the_folder_of_a_maker_that_lives_is_not_swept() {
        let folder = make().unwrap();
        sweep();
        assert!(folder.exists());
        remove(&folder);
        let child = std::process::Command::new("/bin/true").spawn().unwrap();
        let pid = child.id();
        child.wait_with_output().unwrap();
        let dead = folder.parent().unwrap().join(format!("{PREFIX}{pid}-1-0"));
        std::fs::create_dir(&dead).unwrap();
        std::fs::set_permissions(&dead, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .unwrap();
        mark(&dead, None).unwrap();
        sweep();
        assert!(!dead.exists());
    }

    #[test]
    fn the_name_says_who_made_it() {
        let own = Marked { pid: 12, start_ticks: 345 };
        assert_eq!(maker("gatemedic-practice-12-345-0"), Some(own));
        assert_eq!(maker("gatemedic-practice-x"), None);
        assert_eq!(maker("other-12-345"), None);
    }
}
