//! Folders of this program's own: state, backups, the lock. Nobody else may write there, no link in
//! them is followed, and what is in them is named relative to a descriptor.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, FlockOperation, Mode, OFlags},
    io::Errno,
};

/// Names that are listed at most.
const MOST_NAMES: usize = 4_096;

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is none.
    #[error("{0:?} does not exist")]
    Missing(PathBuf),
    /// It belongs to somebody else, others may write there, or it is a link.
    #[error("{0:?} is not a folder that only we can write to")]
    NotOurs(PathBuf),
    /// Anything else.
    #[error("{0:?}: {1}")]
    Io(PathBuf, io::Error),
}

/// A folder of our own, held open.
#[derive(Debug)]
pub struct OwnFolder {
    fd: OwnedFd,
    path: PathBuf,
}

impl OwnFolder {
    /// Opens a folder, and makes it with this mode when there is none; folders above it that are
    /// missing are made for their owner only.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn make(path: &Path, mode: u32) -> Result<Self, FolderError> {
        let wrap = |errno: Errno| FolderError::Io(path.to_owned(), errno.into());
        match rustix::fs::mkdir(path, Mode::from_raw_mode(mode)) {
            // A umask may have taken bits away.
            Ok(()) => {
                let new = Self::open(path)?;
                set_mode(&new.fd, mode).map_err(wrap)?;
                Ok(new)
            }
            Err(Errno::EXIST) => Self::open(path),
            Err(Errno::NOENT) => {
                let above = path.parent().filter(|above| !above.as_os_str().is_empty());
                Self::make(above.ok_or_else(|| wrap(Errno::NOENT))?, 0o700)?;
                rustix::fs::mkdir(path, Mode::from_raw_mode(mode)).map_err(wrap)?;
                Self::open(path)
            }
            Err(errno) => Err(wrap(errno)),
        }
    }

    /// Lets others look into it; they may read what its files let them.
    ///
    /// # Errors
    /// The system's.
    pub fn share(&self) -> io::Result<()> {
        Ok(set_mode(&self.fd, 0o755)?)
    }

    /// Opens a folder that exists.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        Self::open_at(CWD, path, path.to_owned())
    }

    fn open_at(
        at: impl std::os::fd::AsFd,
        name: &Path,
        path: PathBuf,
    ) -> Result<Self, FolderError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(at, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Err(FolderError::Missing(path)),
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(FolderError::NotOurs(path)),
            Err(errno) => return Err(FolderError::Io(path, errno.into())),
        };
        match rustix::fs::fstat(&fd) {
            Err(errno) => Err(FolderError::Io(path, errno.into())),
            Ok(stat)
                if stat.st_uid != rustix::process::geteuid().as_raw()
                    || stat.st_mode & 0o022 != 0 =>
            {
                Err(FolderError::NotOurs(path))
            }
            Ok(_) => Ok(Self { fd, path }),
        }
    }

    /// Opens a folder in it, and makes it (0700) when there is none.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn sub(&self, name: &str) -> Result<Self, FolderError> {
        let path = self.path.join(name);
        match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
            Ok(()) => self.sync().map_err(|error| FolderError::Io(path.clone(), error))?,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(FolderError::Io(path, errno.into())),
        }
        Self::open_at(&self.fd, Path::new(name), path)
    }

    /// Makes a folder in it (0700) that must not exist yet; `None` when it does.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn fresh(&self, name: &str) -> Result<Option<Self>, FolderError> {
        let path = self.path.join(name);
        match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
            Ok(()) => Self::open_at(&self.fd, Path::new(name), path).map(Some),
            Err(Errno::EXIST) => Ok(None),
            Err(errno) => Err(FolderError::Io(path, errno.into())),
        }
    }

    /// Removes a folder in it with the files that it holds. What cannot be removed stays.
    pub fn discard(&self, name: &str) {
        let Ok(folder) = Self::open_at(&self.fd, Path::new(name), self.path.join(name)) else {
            return;
        };
        for file in folder.names().unwrap_or_default() {
            let _ = rustix::fs::unlinkat(&folder.fd, &file, AtFlags::empty());
        }
        let _ = rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR);
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_file(&self, name: &str, flags: OFlags, mode: u32) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(mode))?;
        let file = File::from(fd);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::other("not a regular file"))
        }
    }

    /// Writes a file (0600) that must not exist yet, and has the disk confirm it.
    ///
    /// # Errors
    /// The system's; nothing is left behind then.
    pub fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write_new(name, bytes, |file| file.sync_all().and_then(|()| self.sync()))
    }

    /// As [`Self::create`], without waiting for the disk: what a power cut may take.
    ///
    /// # Errors
    /// The system's; nothing is left behind then.
    pub fn jot(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write_new(name, bytes, |_| Ok(()))
    }

    fn write_new(
        &self,
        name: &str,
        bytes: &[u8],
        confirm: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let mut file = self.open_file(name, flags, 0o600)?;
        let written = set_mode(&file, 0o600)
            .map_err(io::Error::from)
            .and_then(|()| file.write_all(bytes))
            .and_then(|()| confirm(&file));
        if written.is_err() {
            let _ = rustix::fs::unlinkat(&self.fd, name, AtFlags::empty());
        }
        written
    }

    /// Writes a file (0600) in the place of another, whole or not at all, and has the disk confirm
    /// it.
    ///
    /// # Errors
    /// The system's.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = format!(".{name}.new");
        match rustix::fs::unlinkat(&self.fd, &temporary, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        self.create(&temporary, bytes)?;
        rustix::fs::renameat(&self.fd, &temporary, &self.fd, name)?;
        self.sync()
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// The system's; also when it is longer.
    pub fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open_file(name, OFlags::RDONLY, 0)?.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::other(format!("longer than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// As [`Self::read`], of a file that belongs to us and that nobody else can write to.
    ///
    /// # Errors
    /// The system's; also when it is longer, or somebody else could have written it.
    pub fn read_own(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let file = self.open_file(name, OFlags::RDONLY, 0)?;
        let stat = rustix::fs::fstat(&file)?;
        if stat.st_uid != rustix::process::geteuid().as_raw() || stat.st_mode & 0o022 != 0 {
            return Err(io::Error::other("somebody else can write to it"));
        }
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    }

    /// Gives a file another name, which nothing has yet; `Ok(false)` when something has.
    ///
    /// # Errors
    /// The system's.
    pub fn set_aside(&self, name: &str, new: &str) -> io::Result<bool> {
        use rustix::fs::RenameFlags;
        match rustix::fs::renameat_with(&self.fd, name, &self.fd, new, RenameFlags::NOREPLACE) {
            Ok(()) => self.sync().map(|()| true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens a file that is only ever added to, and makes it with this mode when there is none.
    ///
    /// # Errors
    /// The system's.
    pub fn append(&self, name: &str, mode: u32) -> io::Result<File> {
        let file = self.open_file(name, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE, mode)?;
        set_mode(&file, mode)?;
        Ok(file)
    }

    /// Opens a new file (this mode) that is only ever added to.
    ///
    /// # Errors
    /// The system's; also when there is one.
    pub fn begin(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        let file = self.open_file(name, flags, mode)?;
        set_mode(&file, mode)?;
        Ok(file)
    }

    /// Opens a file to read it.
    ///
    /// # Errors
    /// The system's; also when it is no regular file.
    pub fn open_to_read(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDONLY, 0)
    }

    /// Opens a file to be written over, and makes it with this mode when there is none.
    ///
    /// # Errors
    /// The system's.
    pub fn keep(&self, name: &str, mode: u32) -> io::Result<File> {
        let file = self.open_file(name, OFlags::RDWR | OFlags::CREATE, mode)?;
        set_mode(&file, mode)?;
        Ok(file)
    }

    /// Removes a file; it is no error when there is none.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => self.sync(),
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// As [`Self::remove`], without waiting for the disk: after a power cut it may be there again.
    ///
    /// # Errors
    /// The system's.
    pub fn drop_file(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Names in it, sorted, without those that begin with a dot.
    ///
    /// # Errors
    /// The system's.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)?.take(MOST_NAMES) {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Bytes that are free where it lies.
    ///
    /// # Errors
    /// The system's.
    pub fn room(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.fd)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Has the disk confirm what was made and removed in it.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }
}

/// Sets permission bits that are not so already: whatever the umask was.
fn set_mode(fd: impl std::os::fd::AsFd, mode: u32) -> rustix::io::Result<()> {
    let fd = fd.as_fd();
    if rustix::fs::fstat(fd)?.st_mode & 0o7777 == mode {
        return Ok(());
    }
    rustix::fs::fchmod(fd, Mode::from_raw_mode(mode))
}

/// Reads a file of a folder that belongs to root or to us, and that nobody else can write to.
///
/// # Errors
/// The system's; also when somebody else could have written it.
pub fn read_public(folder: &Path, name: &str, limit: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(CWD, folder, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    let ours = stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw();
    if !ours || stat.st_mode & 0o022 != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    OwnFolder { fd, path: folder.to_owned() }.read(name, limit)
}

/// Locks an open file against other processes (`flock(2)`), waiting or not; `Ok(false)` when
/// somebody else has it. The lock ends with the file.
///
/// # Errors
/// The system's.
pub fn lock(file: &File, wait: bool) -> io::Result<bool> {
    let how =
        if wait { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
    match rustix::fs::flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn a_folder_that_others_can_write_to_or_a_link_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        let own = OwnFolder::make(&real, 0o700).unwrap();
        own.create("a", b"1").unwrap();
        assert_eq!(real.join("a").metadata().unwrap().mode() & 0o777, 0o600);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(matches!(OwnFolder::make(&link, 0o700), Err(FolderError::NotOurs(_))));
        std::fs::set_permissions(&real, PermissionsExt::from_mode(0o777)).unwrap();
        assert!(matches!(OwnFolder::open(&real), Err(FolderError::NotOurs(_))));
    }

    #[test]
    fn a_planted_link_is_neither_read_nor_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        std::fs::write(&victim, "kept").unwrap();
        let own = OwnFolder::make(&dir.path().join("own"), 0o700).unwrap();
        std::os::unix::fs::symlink(&victim, own.path().join("x")).unwrap();
        assert!(own.read("x", 10).is_err() && own.append("x", 0o600).is_err());
        assert!(own.create("x", b"new").is_err());
        own.put("x", b"new").unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"kept");
        assert_eq!(own.read("x", 10).unwrap(), b"new");
        assert!(own.read("x", 2).is_err());
        assert_eq!(own.names().unwrap(), ["x"]);
    }
}
