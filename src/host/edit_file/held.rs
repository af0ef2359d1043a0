//! A file that is going to be changed, as it was when it was read.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{
        Access, AtFlags, IFlags, Mode, OFlags, Stat, StatVfsMountFlags, StatxAttributes, StatxFlags,
    },
    io::Errno,
};

use super::{
    EditFileError, TEMPORARY,
    attributes::{self, Attribute},
    walk::{Spot, walk},
};
use crate::{observation::Secret, remedy::Digest};

/// The largest file that is edited, in bytes.
pub const FILE_LIMIT: u64 = 4 << 20;

/// How the new content gets to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A new file takes the place of the old one (`rename(2)`): at no moment is it half.
    Rename,
    /// The file is written over, because other names or a mount lead to it and would go on to lead
    /// to the old one. A power cut in the middle leaves it half; the copy is made before.
    InPlace(&'static str),
}

/// A file and everything that tells whether it is still the same.
#[derive(Debug)]
pub struct Held {
    pub(super) spot: Spot,
    pub(super) file: File,
    pub(super) folder: File,
    pub(super) stat: Stat,
    pub(super) attributes: Vec<Attribute>,
    pub(super) way: Way,
    root: PathBuf,
    bytes: Secret<Vec<u8>>,
    digest: Digest,
}

impl Held {
    /// Finds, checks and reads a file. `root` is the prefix under which its path is seen from here:
    /// empty, or `/proc/PID/root`. When the same file is also reached by the same path on the host
    /// itself, it is held there, for that way does not end with a process. Nothing is changed.
    ///
    /// # Errors
    /// [`EditFileError`] says why it is not to be changed.
    pub fn find(root: &Path, path: &Path) -> Result<Self, EditFileError> {
        let seen = walk(root, path)?;
        let same =
            |own: &Spot| (own.stat.st_dev, own.stat.st_ino) == (seen.stat.st_dev, seen.stat.st_ino);
        let host = if root.as_os_str().is_empty() {
            None
        } else {
            walk(Path::new(""), &seen.path).ok().filter(same)
        };
        match host {
            Some(spot) => Self::hold(spot, PathBuf::new()),
            None => Self::hold(seen, root.to_owned()),
        }
    }

    fn hold(spot: Spot, root: PathBuf) -> Result<Self, EditFileError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let here = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
        let folder = rustix::fs::openat(&spot.parent, ".", here, Mode::empty())?;
        let quiet = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = rustix::fs::openat(&spot.parent, &spot.leaf, quiet, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        if (stat.st_dev, stat.st_ino) != (spot.stat.st_dev, spot.stat.st_ino) {
            return Err(EditFileError::Changed);
        }
        let mut file = File::from(file);
        let bytes = read_all(&mut file)?;
        let mut held = Self {
            attributes: attributes::read(&file)?,
            way: Way::Rename,
            digest: Digest::of(&bytes),
            folder: File::from(folder),
            spot,
            file,
            stat,
            root,
            bytes: Secret::new(bytes),
        };
        held.way = held.choose()?;
        held.writable()?;
        Ok(held)
    }

    fn choose(&self) -> Result<Way, EditFileError> {
        let mask = StatxFlags::BASIC_STATS;
        let seen = rustix::fs::statx(&self.file, "", AtFlags::EMPTY_PATH, mask)?;
        if seen.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
            return Ok(Way::InPlace("it is mounted as a single file"));
        }
        if self.stat.st_nlink > 1 {
            return Ok(Way::InPlace("it has other names (hard links)"));
        }
        Ok(Way::Rename)
    }

    /// Refuses beforehand what the kernel would refuse half-way.
    fn writable(&self) -> Result<(), EditFileError> {
        let in_place = matches!(self.way, Way::InPlace(_));
        let place = if in_place { &self.file } else { &self.folder };
        if rustix::fs::fstatvfs(place)?.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err(EditFileError::ReadOnly);
        }
        let folder = self.spot.path.parent().unwrap_or(Path::new("/"));
        for (file, path) in [(&self.file, self.spot.path.as_path()), (&self.folder, folder)] {
            match rustix::fs::ioctl_getflags(file) {
                Ok(flags) if flags.intersects(IFlags::IMMUTABLE | IFlags::APPEND) => {
                    return Err(EditFileError::Immutable(path.to_owned()));
                }
                // Not every file system has such attributes.
                Ok(_) | Err(Errno::NOTTY | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let name = if in_place { self.spot.leaf.as_os_str() } else { ".".as_ref() };
        let access = if in_place { Access::WRITE_OK } else { Access::WRITE_OK | Access::EXEC_OK };
        Ok(rustix::fs::accessat(&self.folder, name, access, AtFlags::EACCESS)?)
    }

    /// What stood in the file.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// Fingerprint of what stood in the file.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Its path without links, seen from [`Held::root`].
    pub fn path(&self) -> &Path {
        &self.spot.path
    }

    /// Prefix under which that path is seen from here.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How new content gets there.
    pub const fn way(&self) -> Way {
        self.way
    }

    /// Whether it would be written over in place.
    pub const fn is_in_place(&self) -> bool {
        matches!(self.way, Way::InPlace(_))
    }

    /// Removes what a broken-off write of this file left beside it; `name` follows [`TEMPORARY`].
    pub fn sweep(&self, name: &str) {
        if !name.is_empty() && !name.contains('/') {
            let left = format!("{TEMPORARY}{name}");
            let _ = rustix::fs::unlinkat(&self.folder, left, AtFlags::empty());
        }
    }

    /// Device and inode.
    pub const fn identity(&self) -> (u64, u64) {
        (self.stat.st_dev, self.stat.st_ino)
    }

    /// Bytes and inodes that are free where it lies; no number of inodes where there is no limit.
    ///
    /// # Errors
    /// What fstatvfs(2) says.
    pub fn room(&self) -> Result<(u64, Option<u64>), EditFileError> {
        let stat = rustix::fs::fstatvfs(&self.folder)?;
        let inodes = (stat.f_files > 0).then_some(stat.f_favail);
        Ok((stat.f_bavail.saturating_mul(stat.f_frsize), inodes))
    }

    /// Whether the path still leads to this very file, with the same content.
    ///
    /// # Errors
    /// [`EditFileError::Changed`] when not.
    pub(super) fn still_the_same(&mut self) -> Result<(), EditFileError> {
        let named = rustix::fs::statat(&self.folder, &self.spot.leaf, AtFlags::SYMLINK_NOFOLLOW);
        let named = named.map_err(|_| EditFileError::Changed)?;
        let stamp = |s: &Stat| {
            let modified = (s.st_mtime, s.st_mtime_nsec, s.st_ctime, s.st_ctime_nsec);
            (s.st_dev, s.st_ino, s.st_size, modified)
        };
        if stamp(&named) != stamp(&self.stat) {
            return Err(EditFileError::Changed);
        }
        let now = read_all(&mut self.file)?;
        if Digest::of(&now) == self.digest { Ok(()) } else { Err(EditFileError::Changed) }
    }
}

fn read_all(file: &mut File) -> Result<Vec<u8>, EditFileError> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(EditFileError::TooLong(FILE_LIMIT));
    }
    Ok(bytes)
}
