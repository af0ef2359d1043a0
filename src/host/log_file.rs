//! A growing file, read by position, with an identity that outlives its name.

use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::fs::FileExt},
    path::Path,
};

use rustix::fs::{AtFlags, FileType, OFlags, SeekFrom, Statx, StatxFlags};

use super::{
    accounts,
    files::{FileError, Root},
    on_behalf,
    permission::Identity,
    trail::Trail,
};

/// What tells one file from another: device and inode, and the birth time where the file system
/// has one (an inode number is given to the next file at once on ext4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    device: u64,
    inode: u64,
    born: Option<i64>,
}

impl FileId {
    /// Whether both can be the same file. A birth time that only one of them knows decides nothing.
    pub fn is(self, other: Self) -> bool {
        self.device == other.device
            && self.inode == other.inode
            && (self.born == other.born || self.born.is_none() || other.born.is_none())
    }

    /// Birth time in nanoseconds since the epoch, where the file system keeps it.
    pub const fn born(self) -> Option<i64> {
        self.born
    }
}

/// What stands at a path or behind a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLook {
    /// Identity.
    pub id: FileId,
    /// Length in bytes.
    pub size: u64,
    /// Last write, in nanoseconds since the epoch.
    pub modified: i64,
    /// Names that it still has; 0 when it was deleted.
    pub links: u32,
    /// What it is.
    pub kind: LookKind,
}

/// Kinds of things that a log path can lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
}

impl LookKind {
    /// Its name in a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "regular file",
            Self::Directory => "directory",
            Self::Fifo => "FIFO",
            Self::Socket => "socket",
            Self::Device => "device",
        }
    }
}

const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

fn nanos(secs: i64, nanos: u32) -> i64 {
    secs.saturating_mul(1_000_000_000).saturating_add(i64::from(nanos))
}

impl From<Statx> for FileLook {
    fn from(stat: Statx) -> Self {
        let has_birth = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
        let kind = match FileType::from_raw_mode(u32::from(stat.stx_mode)) {
            FileType::RegularFile => LookKind::File,
            FileType::Directory => LookKind::Directory,
            FileType::Fifo => LookKind::Fifo,
            FileType::Socket => LookKind::Socket,
            _ => LookKind::Device,
        };
        Self {
            id: FileId {
                device: (u64::from(stat.stx_dev_major) << 32) | u64::from(stat.stx_dev_minor),
                inode: stat.stx_ino,
                born: has_birth.then(|| nanos(stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec)),
            },
            size: stat.stx_size,
            modified: nanos(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            links: stat.stx_nlink,
            kind,
        }
    }
}

/// Those who must be able to read a file beside a log as well as we: whoever laid a link on the way
/// to the log led us there.
#[derive(Clone, Debug, Default)]
pub struct Behalf(Vec<Identity>);

impl Behalf {
    /// Of whoever laid the links on the way to a log, but for root and ourselves.
    pub fn of(root: &Root, path: &Path) -> Self {
        if root.open_plainly(path, OFlags::PATH).is_ok() {
            return Self::default();
        }
        let owners = Trail::laid_by(root, path);
        Self(owners.into_iter().map(|uid| accounts::identity(root, uid)).collect())
    }

    fn pin(&self, root: &Root, path: &Path) -> Result<OwnedFd, FileError> {
        on_behalf::pin(root, path, &self.0.iter().collect::<Vec<_>>())
    }

    /// As [`look`], if they may read it.
    ///
    /// # Errors
    /// As [`look`]; [`FileError::Denied`] when they may not.
    pub fn look(&self, root: &Root, path: &Path) -> Result<FileLook, FileError> {
        let held = self.pin(root, path)?;
        Ok(rustix::fs::statx(&held, "", AtFlags::EMPTY_PATH, WANTED)?.into())
    }

    /// As [`LogFile::open`], if they may read it.
    ///
    /// # Errors
    /// As [`LogFile::open`]; [`FileError::Denied`] when they may not.
    pub fn open(&self, root: &Root, path: &Path) -> Result<(LogFile, FileLook), FileError> {
        let file = LogFile { file: Root::open_pinned(&self.pin(root, path)?)? };
        let look = file.look()?;
        Ok((file, look))
    }
}

/// What stands at `path`, nothing opened for reading. Links are followed, where whoever laid them
/// may read what they lead to: a log's folder often belongs to an ordinary user.
///
/// # Errors
/// [`FileError`], [`FileError::Link`] for a link that is not followed; kernels older than 4.11 have
/// no statx(2) and answer `Io`.
pub fn look(root: &Root, path: &Path) -> Result<FileLook, FileError> {
    Behalf::default().look(root, path)
}

/// An open log. Reading never moves a position and never blocks on a FIFO.
#[derive(Debug)]
pub struct LogFile {
    file: File,
}

impl LogFile {
    /// Opens a regular file and says which one it is. Links are followed as by [`look`], and what was
    /// judged is what is opened.
    ///
    /// # Errors
    /// As [`look`]; [`FileError::NotAFile`] for anything but a regular file.
    pub fn open(root: &Root, path: &Path) -> Result<(Self, FileLook), FileError> {
        Behalf::default().open(root, path)
    }

    /// What the descriptor leads to now.
    ///
    /// # Errors
    /// Whatever statx(2) says.
    pub fn look(&self) -> io::Result<FileLook> {
        Ok(rustix::fs::statx(&self.file, "", AtFlags::EMPTY_PATH, WANTED)?.into())
    }

    /// Reads at `offset` until the buffer is full or the file ends; gives the bytes read.
    ///
    /// # Errors
    /// Whatever pread(2) says, except an interruption.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Where the next written byte at or after `offset` is (lseek(2), `SEEK_DATA`): a hole that a
    /// writer left is stepped over without being read. `u64::MAX` when only a hole follows,
    /// `offset` itself where the file system cannot tell.
    pub fn next_data(&self, offset: u64) -> u64 {
        match rustix::fs::seek(&self.file, SeekFrom::Data(offset)) {
            Ok(data) => data.max(offset),
            Err(rustix::io::Errno::NXIO) => u64::MAX,
            Err(_) => offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, lchown, symlink};

    use super::*;

    const USER: u32 = 65_533;

    /// A folder of an ordinary user beside a file that only its owner may read; `None` where links
    /// cannot be given away.
    fn folder() -> Option<(tempfile::TempDir, Root)> {
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path, bits| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
        };
        mode(dir.path(), 0o755);
        for (name, bits) in [("secret.log", 0o600), ("secret.log.1", 0o600), ("open.log", 0o644)] {
            std::fs::write(dir.path().join(name), "x\n").unwrap();
            mode(&dir.path().join(name), bits);
        }
        for (name, target) in [("theirs.log", "secret.log"), ("fine.log", "open.log")] {
            symlink(target, dir.path().join(name)).unwrap();
            symlink(target, dir.path().join(format!("our-{name}"))).unwrap();
            lchown(dir.path().join(name), Some(USER), Some(USER)).ok()?;
        }
        let root = Root::new(dir.path());
        Some((dir, root))
    }

    #[test]
    fn a_users_link_leads_to_no_file_that_the_user_could_not_read() {
        let Some((_dir, root)) = folder() else { return };
        for path in ["/theirs.log"] {
            let path = Path::new(path);
            assert!(matches!(look(&root, path), Err(FileError::Link)));
            assert!(matches!(LogFile::open(&root, path), Err(FileError::Link)));
        }
        for path in ["/fine.log", "/our-theirs.log", "/our-fine.log", "/secret.log"] {
            assert!(LogFile::open(&root, Path::new(path)).is_ok(), "{path}");
            assert!(look(&root, Path::new(path)).is_ok(), "{path}");
        }
    }

    #[test]
    fn what_lies_beside_the_target_of_a_users_link_is_read_on_the_users_behalf() {
        let Some((_dir, root)) = folder() else { return };
        let (theirs, ours) = (Path::new("/theirs.log"), Path::new("/our-theirs.log"));
        let beside = Path::new("/secret.log.1");
        assert!(matches!(Behalf::of(&root, theirs).open(&root, beside), Err(FileError::Denied)));
        assert!(Behalf::of(&root, theirs).look(&root, beside).is_err());
        assert!(Behalf::of(&root, ours).open(&root, beside).is_ok());
    }
}
