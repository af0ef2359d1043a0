//! Files, read with bounds: never a FIFO, a device or a directory taken for a file, never a
//! symbolic link that leads out of a container's root.

use std::{
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It does not exist.
    #[error("no such file or directory")]
    Missing,
    /// We may not.
    #[error("permission denied")]
    Denied,
    /// It is a directory, FIFO, socket or device.
    #[error("not a regular file")]
    NotAFile,
    /// A link on the way was laid by somebody who may not read what it leads to.
    #[error("a link leads to it whose owner may not read it")]
    Link,
    /// It is longer than the reader's bound, in bytes.
    #[error("longer than {0} bytes")]
    TooLong(u64),
    /// Anything else.
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            _ => Self::Io(error),
        }
    }
}

impl From<rustix::io::Errno> for FileError {
    fn from(errno: rustix::io::Errno) -> Self {
        io::Error::from(errno).into()
    }
}

/// A file tree: the host's own, or another one below a prefix such as `/proc/PID/root`, in which
/// absolute symbolic links are resolved inside (openat2(2), `RESOLVE_IN_ROOT`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Root {
    prefix: PathBuf,
}

impl Root {
    /// The tree below `prefix`; an empty prefix or `/` is the host's own.
    pub fn new(prefix: impl Into<PathBuf>) -> Self {
        let prefix = prefix.into();
        if prefix == Path::new("/") { Self::default() } else { Self { prefix } }
    }

    /// The prefix, empty for the host's own tree.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The path by which something in this tree is named from outside it; only a name, since its
    /// links lead elsewhere there.
    pub fn seen_at(&self, path: &Path) -> PathBuf {
        if self.prefix.as_os_str().is_empty() {
            return path.to_owned();
        }
        self.prefix.join(path.strip_prefix("/").unwrap_or(path))
    }

    pub(super) fn open_at(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, FileError> {
        // openat2(2), unlike open(2), refuses O_PATH together with O_NOCTTY.
        let terminal = if flags.contains(OFlags::PATH) { OFlags::empty() } else { OFlags::NOCTTY };
        let flags = flags | OFlags::CLOEXEC | terminal;
        if self.prefix.as_os_str().is_empty() {
            return Ok(rustix::fs::open(path, flags, Mode::empty())?);
        }
        self.open_inside(path, flags, ResolveFlags::IN_ROOT)
    }

    /// As [`Self::open_at`], through no link: whoever can write to a folder on the way can lay one.
    /// `/var/run` and `/var/lock` are what the system makes of them.
    pub(super) fn open_plainly(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, FileError> {
        let flags = flags | OFlags::CLOEXEC;
        let plain = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let open = |path: &Path| {
            if self.prefix.as_os_str().is_empty() {
                Ok(rustix::fs::openat2(rustix::fs::CWD, path, flags, Mode::empty(), plain)?)
            } else {
                self.open_inside(path, flags, plain | ResolveFlags::IN_ROOT)
            }
        };
        let moved = ["run", "lock"].into_iter().find_map(|name| {
            let rest = path.strip_prefix(Path::new("/var").join(name)).ok()?;
            let now = if name == "run" { "/run" } else { "/run/lock" };
            Some(Path::new(now).join(rest))
        });
        match (open(path), moved) {
            (Err(_), Some(moved)) => open(&moved),
            (done, _) => done,
        }
    }

    fn open_inside(
        &self,
        path: &Path,
        flags: OFlags,
        how: ResolveFlags,
    ) -> Result<OwnedFd, FileError> {
        let root = rustix::fs::open(
            &self.prefix,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        // RESOLVE_IN_ROOT may answer EAGAIN when a rename races with it; the manual says: retry.
        for _ in 0..8 {
            match rustix::fs::openat2(&root, path, flags, Mode::empty(), how) {
                Err(rustix::io::Errno::AGAIN) => {}
                done => return Ok(done?),
            }
        }
        Err(rustix::io::Errno::AGAIN.into())
    }

    /// Holds what stands at a path, links followed, without opening it (`O_PATH`).
    ///
    /// # Errors
    /// What openat2(2) says.
    pub fn pin(&self, path: impl AsRef<Path>) -> io::Result<OwnedFd> {
        self.open_at(path.as_ref(), OFlags::PATH).map_err(|error| match error {
            FileError::Io(error) => error,
            FileError::Denied => rustix::io::Errno::ACCESS.into(),
            _ => rustix::io::Errno::NOENT.into(),
        })
    }

    /// Opens a regular file for reading. What stands there is held and looked at first: a FIFO is
    /// never waited for, and a device never opened (a watchdog would begin to run).
    ///
    /// # Errors
    /// [`FileError`] says which; [`FileError::NotAFile`] for anything but a regular file.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<File, FileError> {
        let (path, flags) = (path.as_ref(), OFlags::RDONLY | OFlags::NONBLOCK);
        if !(self.prefix.as_os_str().is_empty() && is_of_a_process(path)) {
            return Self::open_pinned(&self.open_at(path, OFlags::PATH)?);
        }
        let file = File::from(self.open_at(path, flags)?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(FileError::NotAFile) }
    }

    /// Opens what is held for reading, if it is a regular file.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn open_pinned(held: &OwnedFd) -> Result<File, FileError> {
        let stat = rustix::fs::statat(held, "", AtFlags::EMPTY_PATH)?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(FileError::NotAFile);
        }
        let door = format!("/proc/self/fd/{}", held.as_raw_fd());
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        Ok(File::from(rustix::fs::open(door, flags, Mode::empty())?))
    }

    /// Reads a whole file of at most `limit` bytes. `/proc` files, which say size 0, work too.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::TooLong`] when there is more than `limit`.
    pub fn read(&self, path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, FileError> {
        let file = self.open(path)?;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit { Err(FileError::TooLong(limit)) } else { Ok(bytes) }
    }

    /// Reads a file as text, invalid UTF-8 replaced.
    ///
    /// # Errors
    /// As [`Root::read`].
    pub fn read_text(&self, path: impl AsRef<Path>, limit: u64) -> Result<String, FileError> {
        self.read(path, limit).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What stands at a path; the last component's link is followed when `follow`.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn stat(&self, path: impl AsRef<Path>, follow: bool) -> Result<Stat, FileError> {
        let nofollow = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        let fd = self.open_at(path.as_ref(), OFlags::PATH | nofollow)?;
        Ok(rustix::fs::statat(&fd, "", AtFlags::EMPTY_PATH)?)
    }

    /// Where a symbolic link points, as written.
    ///
    /// # Errors
    /// [`FileError`]; also when it is not a link.
    pub fn read_link(&self, path: impl AsRef<Path>) -> Result<PathBuf, FileError> {
        let fd = self.open_at(path.as_ref(), OFlags::PATH | OFlags::NOFOLLOW)?;
        let target = rustix::fs::readlinkat(&fd, "", Vec::new())?;
        Ok(PathBuf::from(String::from_utf8_lossy(target.as_bytes()).into_owned()))
    }

    /// Names in a directory, sorted, at most `limit`; the flag says whether there were more.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn list(
        &self,
        path: impl AsRef<Path>,
        limit: usize,
    ) -> Result<(Vec<String>, bool), FileError> {
        let fd = self.open_at(path.as_ref(), OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(fd)? {
            let entry = entry?;
            let name = String::from_utf8_lossy(entry.file_name().to_bytes()).into_owned();
            if name == "." || name == ".." {
                continue;
            }
            if names.len() == limit {
                names.sort_unstable();
                return Ok((names, true));
            }
            names.push(name);
        }
        names.sort_unstable();
        Ok((names, false))
    }
}

/// Whether a path is one of what the kernel tells of a process, which are many and read often: none
/// of them is a device, but for the links that lead out of there.
fn is_of_a_process(path: &Path) -> bool {
    const LEAD_OUT: [&str; 6] = ["root", "cwd", "exe", "fd", "map_files", ".."];
    path.strip_prefix("/proc").is_ok_and(|rest| {
        !rest.iter().any(|part| LEAD_OUT.iter().any(|other| part == std::ffi::OsStr::new(other)))
    })
}

/// Creates a file that must not exist yet, readable by its owner only. Links are not followed.
///
/// # Errors
/// Whatever open(2) says; `AlreadyExists` when something stands there.
pub fn create_new(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Removes what [`create_new`] has made a moment ago and nobody shall find half written. Where that
/// fails it stays.
pub fn take_back(path: &Path) {
    let _ = std::fs::remove_file(path);
}

/// Identity of an open file: device, inode.
///
/// # Errors
/// Whatever fstat(2) says.
pub fn identity(file: &File) -> io::Result<(u64, u64)> {
    let meta = file.metadata()?;
    Ok((meta.dev(), meta.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_a_directory_and_a_device_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let root = Root::default();
        assert!(matches!(root.read(&fifo, 10), Err(FileError::NotAFile)));
        assert!(matches!(root.read(dir.path(), 10), Err(FileError::NotAFile)));
        assert!(matches!(root.read("/dev/zero", 10), Err(FileError::NotAFile)));
    }

    #[test]
    fn what_is_no_file_is_not_even_opened() {
        use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
        let dir = tempfile::tempdir().unwrap();
        let (fifo, file) = (dir.path().join("fifo"), dir.path().join("file"));
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&fifo, dir.path().join("dump")).unwrap();
        let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
        for path in [&fifo, &file] {
            inotify::add_watch(&watch, path, WatchFlags::OPEN).unwrap();
        }
        let opened = || {
            let mut buffer = [std::mem::MaybeUninit::uninit(); 1024];
            let mut events = inotify::Reader::new(&watch, &mut buffer);
            events.next().is_ok_and(|event| event.events().contains(ReadFlags::OPEN))
        };
        assert!(Root::default().read(dir.path().join("dump"), 10).is_err() && !opened());
        assert!(Root::default().read(&file, 10).is_ok() && opened());
    }

    #[test]
    fn an_absolute_link_stays_inside_its_root() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::fs::write(dir.path().join("etc/real"), "inside").unwrap();
        std::os::unix::fs::symlink("/etc/real", dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("out")).unwrap();
        let root = Root::new(dir.path());
        assert_eq!(root.read_text("/link", 100).unwrap(), "inside");
        assert!(matches!(root.read("/out", 100), Err(FileError::Missing)));
        assert!(matches!(root.read("/etc/real", 3), Err(FileError::TooLong(3))));
        assert_eq!(root.stat("/link", true).unwrap().st_size, 6);
        assert_eq!(root.read_link("/link").unwrap(), Path::new("/etc/real"));
    }
}
