//! Walks a path directory by directory, following links by hand, so that each directory on the way
//! can be asked who else may put something there.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path, PathBuf},
};

use rustix::fs::{CWD, FileType, Mode, OFlags, Stat};

use super::EditFileError;

/// Links followed on one path, as the kernel does (`path_resolution(7)`).
const LINKS: usize = 40;
/// File systems of the kernel's own (magic.h): proc, sysfs, cgroup 1 and 2.
const KERNEL: [i64; 4] = [0x9fa0, 0x6265_6572, 0x0027_e0eb, 0x6367_7270];
/// Components of one path, links written out.
const DEPTH: usize = 512;

/// Where a file stands: the directory that holds it, and its name there.
#[derive(Debug)]
pub(super) struct Spot {
    pub(super) parent: OwnedFd,
    pub(super) leaf: OsString,
    /// The path without links, from its root.
    pub(super) path: PathBuf,
    pub(super) stat: Stat,
}

struct Walk {
    /// Directories from the root down, with their names.
    open: Vec<(OwnedFd, OsString)>,
    rest: VecDeque<OsString>,
    links: usize,
    me: u32,
}

/// Finds a file below a root (empty or `/` for the host's own); a link of its path leads inside
/// that root.
pub(super) fn walk(root: &Path, file: &Path) -> Result<Spot, EditFileError> {
    if !file.is_absolute() {
        return Err(EditFileError::Missing);
    }
    let prefix = if root.as_os_str().is_empty() { Path::new("/") } else { root };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let base = rustix::fs::openat(CWD, prefix, flags, Mode::empty())?;
    let mut walk = Walk {
        open: vec![(base, OsString::new())],
        rest: VecDeque::new(),
        links: 0,
        me: rustix::process::geteuid().as_raw(),
    };
    walk.queue(file.as_os_str());
    walk.run()
}

impl Walk {
    /// Puts the components of a path before what is left of the way.
    fn queue(&mut self, path: &OsStr) {
        let parts = Path::new(path).components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            _ => None,
        });
        for (at, part) in parts.enumerate() {
            self.rest.insert(at, part);
        }
    }

    fn run(mut self) -> Result<Spot, EditFileError> {
        while let Some(name) = self.rest.pop_front() {
            if self.open.len() > DEPTH {
                return Err(EditFileError::Missing);
            }
            if name == ".." {
                if self.open.len() > 1 {
                    self.open.pop();
                }
                continue;
            }
            let Some((parent, _)) = self.open.last() else { return Err(EditFileError::Missing) };
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let found = rustix::fs::openat(parent, &name, flags, Mode::empty())?;
            let stat = rustix::fs::fstat(&found)?;
            let last = self.rest.is_empty();
            let kind = FileType::from_raw_mode(stat.st_mode);
            self.trust(&stat, last && kind == FileType::RegularFile)?;
            match kind {
                FileType::Symlink => self.follow(&found)?,
                FileType::Directory if !last => self.open.push((found, name)),
                FileType::RegularFile if last => return self.arrive(name, stat),
                _ => return Err(EditFileError::NotAFile),
            }
        }
        Err(EditFileError::NotAFile)
    }

    fn follow(&mut self, link: &OwnedFd) -> Result<(), EditFileError> {
        self.links += 1;
        if self.links > LINKS {
            return Err(rustix::io::Errno::LOOP.into());
        }
        let target = rustix::fs::readlinkat(link, "", Vec::new())?;
        if target.as_bytes().first() == Some(&b'/') {
            self.open.truncate(1);
        }
        self.queue(OsStr::from_bytes(target.as_bytes()));
        Ok(())
    }

    /// Whether nobody but root and us can put something else in the place of an entry of the
    /// directory at hand. In a directory with the sticky bit (`unlink(2)`) an entry stays its
    /// owner's; a file to be changed must not lie in one, for the new one would.
    fn trust(&self, entry: &Stat, leaf: bool) -> Result<(), EditFileError> {
        let Some((parent, _)) = self.open.last() else { return Ok(()) };
        let stat = rustix::fs::fstat(parent)?;
        let ours = |uid: u32| uid == 0 || uid == self.me;
        let shared = stat.st_mode & 0o022 != 0;
        let sticky = stat.st_mode & 0o1000 != 0 && ours(entry.st_uid) && !leaf;
        if ours(stat.st_uid) && (!shared || sticky) {
            return Ok(());
        }
        Err(EditFileError::Untrusted(self.path()))
    }

    fn path(&self) -> PathBuf {
        let names = self.open.iter().skip(1).map(|(_, name)| name.as_os_str());
        Path::new("/").join(names.collect::<PathBuf>())
    }

    fn arrive(mut self, leaf: OsString, stat: Stat) -> Result<Spot, EditFileError> {
        let path = self.path().join(&leaf);
        let (parent, _) = self.open.pop().ok_or(EditFileError::Missing)?;
        // What looks like a file in /proc or /sys is a switch of the kernel's.
        let kind = rustix::fs::fstatfs(&parent)?.f_type;
        if KERNEL.contains(&kind) {
            return Err(EditFileError::NotAFile);
        }
        Ok(Spot { parent, leaf, path, stat })
    }
}
