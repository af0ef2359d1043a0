//! A folder for one set of evidence: made new, for its owner's eyes only, one of a bounded number.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags},
    io::Errno,
};

/// Sets that are kept; the oldest by name goes first.
pub const KEPT: usize = 20;
/// Most bytes of one file.
pub const FILE_LIMIT: usize = 1 << 20;
/// Most entries of a set that are removed with it.
const MOST_FILES: usize = 1_024;

/// One set of evidence.
#[derive(Debug)]
pub struct Vault {
    folder: OwnedFd,
    path: PathBuf,
}

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Vault {
    /// Makes a folder `name` below `state`/`kind`, and removes the oldest sets there. Names are
    /// expected to sort by age.
    ///
    /// # Errors
    /// `PermissionDenied` when a folder on the way could be written by somebody else, `ELOOP` when
    /// one is a link, and whatever the system says.
    pub fn make(state: &Path, kind: &str, name: &str) -> io::Result<Self> {
        match rustix::fs::mkdir(state, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let state_fd = rustix::fs::open(state, FOLDER, Mode::empty())?;
        only_ours(&state_fd)?;
        let shelf = below(&state_fd, kind, true)?;
        prune(&shelf, KEPT.saturating_sub(1));
        // Two sets of the same second are told apart.
        for turn in 0..10 {
            let name = if turn == 0 { name.to_owned() } else { format!("{name}-{turn}") };
            match rustix::fs::mkdirat(&shelf, &name, Mode::from_raw_mode(0o700)) {
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    let folder = below(&shelf, &name, false)?;
                    return Ok(Self { folder, path: state.join(kind).join(name) });
                }
            }
        }
        Err(Errno::EXIST.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that must not exist yet; what is longer than [`FILE_LIMIT`] is cut.
    ///
    /// # Errors
    /// What the system says.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, name, flags, Mode::from_raw_mode(0o600))?;
        File::from(file).write_all(bytes.get(..FILE_LIMIT).unwrap_or(bytes))
    }
}

fn below(folder: &OwnedFd, name: &str, make: bool) -> io::Result<OwnedFd> {
    if make {
        match rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let fd = rustix::fs::openat(folder, name, FOLDER, Mode::empty())?;
    only_ours(&fd)?;
    // Whatever the umask was.
    rustix::fs::fchmod(&fd, Mode::from_raw_mode(0o700))?;
    Ok(fd)
}

fn only_ours(folder: &OwnedFd) -> io::Result<()> {
    let stat = rustix::fs::fstat(folder)?;
    if stat.st_uid == rustix::process::geteuid().as_raw() && stat.st_mode & 0o022 == 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "somebody else could write there too"))
}

/// Removes the oldest sets until `keep` are left. What cannot be removed stays.
fn prune(shelf: &OwnedFd, keep: usize) {
    let mut names = names(shelf);
    names.sort_unstable();
    let many = names.len().saturating_sub(keep);
    for name in names.into_iter().take(many) {
        let Ok(folder) = rustix::fs::openat(shelf, &name, FOLDER, Mode::empty()) else { continue };
        for file in self::names(&folder) {
            let _ = rustix::fs::unlinkat(&folder, &file, AtFlags::empty());
        }
        let _ = rustix::fs::unlinkat(shelf, &name, AtFlags::REMOVEDIR);
    }
}

fn names(folder: &OwnedFd) -> Vec<String> {
    let Ok(dir) = Dir::read_from(folder) else { return Vec::new() };
    dir.take(MOST_FILES)
        .filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned))
        .filter(|name| name != "." && name != "..")
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn sets_are_for_their_owner_only_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        for n in 0..KEPT + 3 {
            let vault = Vault::make(&state, "captures", &format!("2026-{n:03}")).unwrap();
            vault.put("a.txt", b"x").unwrap();
            assert!(vault.put("a.txt", b"y").is_err(), "nothing is written over");
        }
        let twin = Vault::make(&state, "captures", "2026-022").unwrap();
        assert!(twin.path().ends_with("2026-022-1"));
        let mut kept: Vec<String> = std::fs::read_dir(state.join("captures"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        kept.sort_unstable();
        assert_eq!((kept.len(), kept[0].as_str()), (KEPT, "2026-004"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let last = state.join("captures/2026-022");
        assert_eq!((mode(&last), mode(&last.join("a.txt")), mode(&state)), (0o700, 0o600, 0o700));
    }

    #[test]
    fn a_planted_link_and_a_folder_of_others_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (state, other) = (dir.path().join("state"), dir.path().join("other"));
        std::fs::create_dir(&state).unwrap();
        std::fs::create_dir(&other).unwrap();
        symlink(&other, state.join("captures")).unwrap();
        assert!(Vault::make(&state, "captures", "a").is_err());
        std::fs::remove_file(state.join("captures")).unwrap();
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Vault::make(&state, "captures", "a").is_err());
        assert!(std::fs::read_dir(&other).unwrap().next().is_none());
    }
}
