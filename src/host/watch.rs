//! Wake-ups from the kernel: inotify(7) on directories.
//!
//! A wake-up is a hint to look, never a fact: events can be merged, lost in an overflow, or not
//! sent at all (network file systems), so whoever waits here also looks on a timer. The kernel
//! interface is used directly because the wrapper crate also subscribes to `IN_OPEN`, and then
//! every look of ours would wake us again.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{CStr, OsStr},
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    fs::{
        OFlags,
        inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    },
    io::Errno,
};

use super::files::{FileError, Root};

/// What can happen to a log: written, made, removed, renamed, or given another mode.
const INTERESTING: WatchFlags = WatchFlags::MODIFY
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// Why a directory cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The user's inotify watches or instances are used up (`fs.inotify.max_user_watches`,
    /// `fs.inotify.max_user_instances`).
    #[error("inotify is exhausted: {0}")]
    Exhausted(io::Error),
    /// The directory itself cannot be opened.
    #[error("{0}")]
    Directory(FileError),
}

/// Directories watched for changes.
#[derive(Debug)]
pub struct Watch {
    inotify: OwnedFd,
    by_path: BTreeMap<PathBuf, i32>,
    // One directory seen through two roots has one number.
    by_number: BTreeMap<i32, BTreeSet<PathBuf>>,
}

/// What woke a wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Woken {
    /// What happened to something: its path below a directory that was given to [`Watch::add`]
    /// (with the prefix of its root), or such a directory itself.
    pub paths: BTreeSet<PathBuf>,
    /// Whether events were lost, so that every directory must be looked at.
    pub overflow: bool,
    /// Whether a [`Waker`] rang.
    pub rung: bool,
}

/// Ends a wait from another thread.
#[derive(Debug)]
pub struct Waker {
    bell: OwnedFd,
}

impl Waker {
    /// A waker that has not rung.
    ///
    /// # Errors
    /// Whatever eventfd(2) says.
    pub fn new() -> io::Result<Self> {
        Ok(Self { bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    /// Rings; a wait that is under way or the next one ends at once.
    pub fn ring(&self) {
        // A full counter means that it already rings.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    fn silence(&self) {
        let _ = rustix::io::read(&self.bell, &mut [0_u8; 8]);
    }
}

impl Watch {
    /// Asks the kernel for an inotify instance.
    ///
    /// # Errors
    /// [`WatchError::Exhausted`] when there are too many (EMFILE).
    pub fn new() -> Result<Self, WatchError> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .map_err(|errno| WatchError::Exhausted(errno.into()))?;
        Ok(Self { inotify, by_path: BTreeMap::new(), by_number: BTreeMap::new() })
    }

    /// Watches the directory at `path` of `root`. `path` may be a directory that is watched
    /// already; then it is checked that it is still the same one.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn add(&mut self, root: &Root, path: &Path) -> Result<(), WatchError> {
        let fd =
            root.open_at(path, OFlags::PATH | OFlags::DIRECTORY).map_err(WatchError::Directory)?;
        // The descriptor's name reaches the very directory that was resolved inside the root.
        let name = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let number =
            inotify::add_watch(&self.inotify, name.as_str(), INTERESTING).map_err(|errno| {
                match errno {
                    Errno::NOSPC | Errno::MFILE | Errno::NOMEM => {
                        WatchError::Exhausted(errno.into())
                    }
                    other => WatchError::Directory(other.into()),
                }
            })?;
        let key = root.seen_at(path);
        if let Some(old) = self.by_path.insert(key.clone(), number).filter(|old| *old != number) {
            self.forget(old, &key);
        }
        self.by_number.entry(number).or_default().insert(key);
        Ok(())
    }

    fn forget(&mut self, number: i32, path: &Path) {
        let Some(paths) = self.by_number.get_mut(&number) else { return };
        paths.remove(path);
        if paths.is_empty() {
            self.by_number.remove(&number);
            let _ = inotify::remove_watch(&self.inotify, number);
        }
    }

    /// Stops watching every directory that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&Path) -> bool) {
        let gone: Vec<PathBuf> = self.by_path.keys().filter(|path| !keep(path)).cloned().collect();
        for path in gone {
            if let Some(number) = self.by_path.remove(&path) {
                self.forget(number, &path);
            }
        }
    }

    /// Takes the events that wait now, without waiting for any; at most as many as the kernel's
    /// queue holds by default, the rest stays for the next call.
    pub fn take(&mut self) -> Woken {
        let mut woken = Woken::default();
        let mut buffer = [MaybeUninit::<u8>::uninit(); 16 * 1024];
        let mut gone = Vec::new();
        let mut seen: BTreeSet<(i32, Vec<u8>)> = BTreeSet::new();
        let mut last = (-1, Vec::new());
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        for _ in 0..16_384 {
            let Ok(event) = reader.next() else { break };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                woken.overflow = true;
                continue;
            }
            if event.events().contains(ReadFlags::IGNORED) {
                gone.push(event.wd());
            }
            let name = event.file_name().map_or(&b""[..], CStr::to_bytes);
            // A busy log sends the same event thousands of times.
            if last.0 != event.wd() || last.1 != name {
                last = (event.wd(), name.to_vec());
                seen.insert(last.clone());
            }
        }
        for (number, name) in seen {
            for directory in self.by_number.get(&number).into_iter().flatten() {
                woken.paths.insert(if name.is_empty() {
                    directory.clone()
                } else {
                    directory.join(OsStr::from_bytes(&name))
                });
            }
        }
        for number in gone {
            for path in self.by_number.remove(&number).into_iter().flatten() {
                self.by_path.remove(&path);
            }
        }
        woken
    }
}

/// Waits until `watch` has events, `waker` rings or `limit` is over, and takes what there is.
pub fn wait(watch: Option<&mut Watch>, waker: &Waker, limit: Duration) -> Woken {
    let limit = Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(limit.subsec_nanos()),
    };
    let mut woken = Woken::default();
    {
        let mut fds = vec![PollFd::new(&waker.bell, PollFlags::IN)];
        if let Some(watch) = &watch {
            fds.push(PollFd::new(&watch.inotify, PollFlags::IN));
        }
        if poll(&mut fds, Some(&limit)).is_err() {
            return woken;
        }
        woken.rung = fds.first().is_some_and(|bell| !bell.revents().is_empty());
    }
    if woken.rung {
        waker.silence();
    }
    if let Some(watch) = watch {
        let taken = watch.take();
        woken.paths = taken.paths;
        woken.overflow = taken.overflow;
    }
    woken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_wakes_and_our_own_reading_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        std::fs::write(&log, "x").unwrap();
        let mut watch = Watch::new().unwrap();
        watch.add(&Root::default(), dir.path()).unwrap();
        std::fs::read(&log).unwrap();
        assert_eq!(watch.take(), Woken::default());
        std::fs::write(&log, "y").unwrap();
        assert!(watch.take().paths.contains(&log));
    }

    #[test]
    fn a_removed_directory_is_forgotten_and_can_be_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("logs");
        std::fs::create_dir(&sub).unwrap();
        let mut watch = Watch::new().unwrap();
        watch.add(&Root::default(), &sub).unwrap();
        std::fs::remove_dir(&sub).unwrap();
        assert!(watch.take().paths.contains(&sub));
        assert!(watch.add(&Root::default(), &sub).is_err());
        std::fs::create_dir(&sub).unwrap();
        watch.add(&Root::default(), &sub).unwrap();
        std::fs::write(sub.join("a"), "1").unwrap();
        assert!(watch.take().paths.contains(&sub.join("a")));
    }

    #[test]
    fn a_bell_ends_a_wait() {
        let waker = Waker::new().unwrap();
        waker.ring();
        assert!(wait(None, &waker, Duration::from_mins(1)).rung);
    }
}
