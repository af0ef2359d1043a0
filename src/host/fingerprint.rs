//! What tells one version of a file from another, without opening it.

use std::path::Path;

use rustix::fs::{FileType, Stat};

use crate::observation::Wall;

use super::files::{FileError, Root};

/// Identity, size and times of what stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    device: u64,
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    size: i64,
    modified: Wall,
    changed: (i64, u64),
}

impl Fingerprint {
    /// Looks at a path; the last component's link is followed when `follow`.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn take(root: &Root, path: &Path, follow: bool) -> Result<Self, FileError> {
        root.stat(path, follow).map(|stat| Self::of(&stat))
    }

    fn of(stat: &Stat) -> Self {
        let micros = i64::try_from(stat.st_mtime_nsec).unwrap_or(0) / 1_000;
        let modified = stat.st_mtime.saturating_mul(1_000_000).saturating_add(micros);
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            mode: stat.st_mode,
            owner: (stat.st_uid, stat.st_gid),
            size: stat.st_size,
            modified: Wall(modified),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// Device and inode.
    pub const fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        FileType::from_raw_mode(self.mode) == FileType::RegularFile
    }

    /// Whether it is a folder.
    pub fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.mode) == FileType::Directory
    }

    /// Whether it is a symbolic link (only when links are not followed).
    pub fn is_link(&self) -> bool {
        FileType::from_raw_mode(self.mode) == FileType::Symlink
    }

    /// When its content last changed (`st_mtime`).
    pub const fn modified(&self) -> Wall {
        self.modified
    }
}
