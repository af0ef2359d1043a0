//! Owner, group and mode of what stands at a path, held while they are looked at and changed:
//! whatever is renamed meanwhile, it is this thing that changes.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};

use super::files::{FileError, Root};

/// Something that is held without being opened (`O_PATH`), through no link and itself none that is
/// followed: what is changed is what the path says, and nothing that a service's user points at.
#[derive(Debug)]
pub struct Pinned {
    fd: OwnedFd,
    stat: Stat,
}

impl Pinned {
    /// Holds what stands at a path below a root.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn at(root: &Root, path: &Path) -> Result<Self, FileError> {
        let fd = root.open_plainly(path, OFlags::PATH | OFlags::NOFOLLOW)?;
        let stat = rustix::fs::statat(&fd, "", AtFlags::EMPTY_PATH)?;
        Ok(Self { fd, stat })
    }

    /// Whether it is a socket.
    pub fn is_socket(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode).is_socket()
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode).is_dir()
    }

    /// Names that it has.
    pub fn links(&self) -> u64 {
        self.stat.st_nlink
    }

    /// Owner and group.
    pub const fn owner(&self) -> (u32, u32) {
        (self.stat.st_uid, self.stat.st_gid)
    }

    /// Permission bits, setuid, setgid and sticky included.
    pub const fn mode(&self) -> u32 {
        self.stat.st_mode & 0o7777
    }

    /// Where it really is, as seen from here.
    pub fn real_path(&self) -> Option<PathBuf> {
        let link = rustix::fs::readlink(self.door(), Vec::new()).ok()?;
        Some(PathBuf::from(link.into_string().ok()?))
    }

    // The door to the thing itself: chmod(2) knows no descriptor that was opened with O_PATH.
    fn door(&self) -> String {
        format!("/proc/self/fd/{}", self.fd.as_raw_fd())
    }

    /// Gives it an owner and a group; `None` keeps the old.
    ///
    /// # Errors
    /// What fchownat(2) says.
    pub fn give(&self, owner: Option<u32>, group: Option<u32>) -> io::Result<()> {
        let (owner, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
        Ok(rustix::fs::chownat(&self.fd, "", owner, group, AtFlags::EMPTY_PATH)?)
    }

    /// Sets its permission bits.
    ///
    /// # Errors
    /// What chmod(2) says.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::chmod(self.door(), Mode::from_raw_mode(mode & 0o7777))?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::PermissionsExt, net::UnixListener};

    use super::*;

    #[test]
    fn what_was_held_is_changed_although_another_thing_took_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("app.sock"), dir.path().join("secret"));
        let _listener = UnixListener::bind(&path).unwrap();
        std::fs::write(&victim, "").unwrap();
        std::fs::set_permissions(&victim, std::fs::Permissions::from_mode(0o600)).unwrap();
        let held = Pinned::at(&Root::default(), &path).unwrap();
        assert!(held.is_socket() && held.links() == 1);
        std::fs::rename(&path, dir.path().join("away")).unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        held.set_mode(0o666).unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&victim), mode(&dir.path().join("away"))), (0o600, 0o666));
        let link = Pinned::at(&Root::default(), &path).unwrap();
        assert!(!link.is_socket() && !link.is_directory());
    }

    #[test]
    fn a_link_that_was_laid_on_the_way_leads_to_nothing_that_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        std::fs::create_dir(&victim).unwrap();
        let _listener = UnixListener::bind(victim.join("docker.sock")).unwrap();
        std::os::unix::fs::symlink(&victim, dir.path().join("pools")).unwrap();
        let path = dir.path().join("pools/docker.sock");
        assert!(path.exists());
        assert!(Pinned::at(&Root::default(), &path).is_err());
        let inside = Root::new(dir.path());
        assert!(Pinned::at(&inside, Path::new("/pools/docker.sock")).is_err());
        assert!(Pinned::at(&inside, Path::new("/victim/docker.sock")).is_ok());
    }
}
