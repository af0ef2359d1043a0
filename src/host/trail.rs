//! A path resolved component by component, every one of them held: what stands at its end, the
//! folders that were passed, and who laid the links on the way. What is judged here cannot be
//! swapped for something else before it is opened.

use std::{
    collections::{BTreeSet, VecDeque},
    ffi::{OsStr, OsString},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{
    accounts,
    files::{FileError, Root},
    permission::{AccessList, Identity, SEARCH},
};

/// Most symbolic links followed in one resolution (`path_resolution(7)`).
const MOST_LINKS: usize = 40;
/// Most components looked at.
const MOST_STEPS: usize = 256;

/// Where a path led, and how.
#[derive(Debug)]
pub(super) struct Trail {
    /// What stands at the end.
    pub(super) end: OwnedFd,
    stat: Stat,
    /// Folders in which a name was looked up.
    passed: Vec<OwnedFd>,
    /// Who laid the links, but for those who may lead us anywhere.
    owners: BTreeSet<u32>,
}

impl Trail {
    /// Resolves a path, all links followed.
    ///
    /// # Errors
    /// [`FileError`]; more than 40 links, and links of `/proc`, are `Io`.
    pub(super) fn follow(root: &Root, path: &Path) -> Result<Self, FileError> {
        let (mut way, keeper) = Way::begin(root, path)?;
        let end = way.walk()?;
        let stat = rustix::fs::statat(&end, "", AtFlags::EMPTY_PATH)?;
        let owners = suspects(way.owners, keeper);
        Ok(Self { end, stat, passed: way.passed, owners })
    }

    /// Who laid the links on the way, as far as it leads, but for root, ourselves, and whom the
    /// tree belongs to.
    pub(super) fn laid_by(root: &Root, path: &Path) -> BTreeSet<u32> {
        let Ok((mut way, keeper)) = Way::begin(root, path) else { return BTreeSet::new() };
        drop(way.walk());
        suspects(way.owners, keeper)
    }

    /// Whether `who` may come here and has these rights on what stands here.
    pub(super) fn may(&self, want: u16, who: &Identity) -> bool {
        let passes = |folder: &OwnedFd| {
            let stat = rustix::fs::statat(folder, "", AtFlags::EMPTY_PATH);
            stat.is_ok_and(|stat| who.may(SEARCH, &stat, list_of(folder.as_fd()).as_ref()))
        };
        who.may(want, &self.stat, list_of(self.end.as_fd()).as_ref())
            && self.passed.iter().all(passes)
    }

    /// Whether everybody who laid a link on the way has these rights as well.
    pub(super) fn owners_may(&self, want: u16, root: &Root) -> bool {
        self.owners.iter().all(|uid| self.may(want, &accounts::identity(root, *uid)))
    }
}

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const HERE: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn list_of(held: BorrowedFd<'_>) -> Option<AccessList> {
    AccessList::read(&PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd())))
}

struct Way<'a> {
    top: &'a Path,
    /// Whether it began at the working directory: above that one there is more.
    floating: bool,
    passed: Vec<OwnedFd>,
    /// Indexes of `passed`: the folders above where we stand, and that one.
    above: Vec<usize>,
    pending: VecDeque<OsString>,
    owners: BTreeSet<u32>,
    links: usize,
}

/// Those who may not lead us anywhere.
fn suspects(mut owners: BTreeSet<u32>, keeper: u32) -> BTreeSet<u32> {
    let trusted = [0, keeper, rustix::process::geteuid().as_raw()];
    owners.retain(|uid| !trusted.contains(uid));
    owners
}

impl<'a> Way<'a> {
    /// Stands where a path begins; and whom the tree belongs to: a container's is its root's,
    /// whatever number that has here.
    fn begin(root: &'a Root, path: &Path) -> Result<(Self, u32), FileError> {
        let own = root.prefix().as_os_str().is_empty();
        let top = if own { Path::new("/") } else { root.prefix() };
        let keeper = rustix::fs::stat(top)?.st_uid;
        let floating = own && path.is_relative();
        let base = if floating { Path::new(".") } else { top };
        let (passed, above, pending) = (Vec::new(), Vec::new(), VecDeque::new());
        let owners = BTreeSet::new();
        let mut way = Self { top, floating, passed, above, pending, owners, links: 0 };
        way.enter(rustix::fs::open(base, FOLDER, Mode::empty())?, false);
        way.ask(path);
        Ok((way, keeper))
    }

    fn ask(&mut self, path: &Path) {
        let parts = path.as_os_str().as_bytes().split(|byte| *byte == b'/');
        for part in parts.rev().filter(|part| !part.is_empty()) {
            self.pending.push_front(OsStr::from_bytes(part).to_owned());
        }
    }

    /// Stands in a folder, above or below the last one.
    fn enter(&mut self, folder: OwnedFd, anew: bool) {
        if anew {
            self.above.clear();
        }
        self.above.push(self.passed.len());
        self.passed.push(folder);
    }

    fn here(&self) -> Result<&OwnedFd, FileError> {
        self.above.last().and_then(|at| self.passed.get(*at)).ok_or(FileError::Missing)
    }

    fn walk(&mut self) -> Result<OwnedFd, FileError> {
        for _ in 0..MOST_STEPS {
            let Some(name) = self.pending.pop_front() else {
                return Ok(rustix::io::fcntl_dupfd_cloexec(self.here()?, 0)?);
            };
            match name.as_bytes() {
                b"." => continue,
                b".." => {
                    self.up()?;
                    continue;
                }
                _ => {}
            }
            let next = rustix::fs::openat(self.here()?, &name, HERE, Mode::empty())?;
            let stat = rustix::fs::statat(&next, "", AtFlags::EMPTY_PATH)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink => self.turn(&next, stat.st_uid)?,
                FileType::Directory => self.enter(next, false),
                _ if self.pending.is_empty() => return Ok(next),
                _ => return Err(FileError::Missing),
            }
        }
        Err(Errno::LOOP.into())
    }

    fn up(&mut self) -> Result<(), FileError> {
        if self.above.len() > 1 {
            self.above.pop();
        } else if self.floating {
            let up = rustix::fs::openat(self.here()?, "..", FOLDER, Mode::empty())?;
            self.enter(up, true);
        }
        Ok(())
    }

    fn turn(&mut self, link: &OwnedFd, owner: u32) -> Result<(), FileError> {
        self.links += 1;
        let kind = rustix::fs::fstatfs(link)?.f_type;
        // Its links lead to what a process holds, whatever they say.
        if self.links > MOST_LINKS || kind == rustix::fs::PROC_SUPER_MAGIC {
            return Err(Errno::LOOP.into());
        }
        self.owners.insert(owner);
        let target = rustix::fs::readlinkat(link, "", Vec::new())?;
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if target.is_absolute() {
            self.floating = false;
            let top = rustix::fs::openat(CWD, self.top, FOLDER, Mode::empty())?;
            self.enter(top, true);
        }
        self.ask(&target);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn inode(trail: &Trail) -> u64 {
        trail.stat.st_ino
    }

    #[test]
    fn every_way_to_a_file_ends_at_it_and_none_leads_out_of_its_root() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/file"), "x").unwrap();
        symlink("/a/b", dir.path().join("absolute")).unwrap();
        symlink("../a/./b/file", dir.path().join("a/relative")).unwrap();
        symlink("loop", dir.path().join("loop")).unwrap();
        let file = std::fs::metadata(dir.path().join("a/b/file")).unwrap().ino();
        let inside = Root::new(dir.path());
        for path in
            ["/a/b/file", "/absolute/file", "/a/relative", "/../../a/b/../b/file", "a/b/file"]
        {
            let trail = Trail::follow(&inside, Path::new(path)).unwrap();
            assert_eq!(inode(&trail), file, "{path}");
        }
        let whole = dir.path().join("a/b/file");
        assert_eq!(inode(&Trail::follow(&Root::default(), &whole).unwrap()), file);
        for path in ["/loop", "/none", "/a/b/file/x"] {
            assert!(Trail::follow(&inside, Path::new(path)).is_err(), "{path}");
        }
        let held = std::fs::File::open(&whole).unwrap();
        let door = format!("/proc/self/fd/{}", held.as_raw_fd());
        assert!(Trail::follow(&Root::default(), Path::new(&door)).is_err(), "a link of /proc");
    }
}
