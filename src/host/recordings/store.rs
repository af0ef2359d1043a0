//! Beginning a part of a recording, and making room for it.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{
    host::own_folder::{self, FolderError, OwnFolder},
    session::recording::{FRAME_LIMIT, part_of},
};

use super::kept::{self, Kept, Part};

/// The folder below the state folder.
const FOLDER: &str = "recordings";
/// Held while somebody makes room: the sum of all is decided by one at a time.
const LOCK: &str = ".lock";
/// Parts that are kept at most, however small.
const MOST_PARTS: usize = 2_000;
/// Parts that begin in the same millisecond by processes of the same number: of several containers that
/// share a folder.
const TWINS: u32 = 10;

/// What recordings may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All recordings together, in bytes.
    pub bytes: u64,
    /// One part, in bytes; at most an eighth of all.
    pub part: u64,
    /// How long a recording is kept.
    pub age: Duration,
    /// Bytes that stay free on the disk: a full one is the incident.
    pub reserve: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(200, 14)
    }
}

impl Limits {
    /// Limits of so many megabytes and days.
    pub fn new(megabytes: u64, days: u64) -> Self {
        let bytes = megabytes.saturating_mul(1_000_000);
        let age = Duration::from_secs(days.saturating_mul(86_400));
        Self { bytes, part: (bytes / 8).clamp(1 << 20, 16 << 20), age, reserve: 16 << 20 }
    }
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be used.
    #[error("{0}")]
    Folder(#[from] FolderError),
    /// The disk is nearly full.
    #[error("{0:?}: less than {1} MB are free")]
    NoRoom(PathBuf, u64),
    /// Other sessions record as much as is allowed.
    #[error("{0:?}: other sessions that record fill what recordings may take")]
    Crowded(PathBuf),
    /// Anything else.
    #[error("{0:?}: {1}")]
    Io(PathBuf, io::Error),
}

/// The folder.
#[derive(Debug)]
pub struct Store {
    folder: OwnFolder,
}

/// A part that is being written. It is locked as long as it is held.
#[derive(Debug)]
pub struct Segment {
    file: File,
    path: PathBuf,
    session: String,
    bytes: u64,
    limit: u64,
}

impl Store {
    /// The folder below a state folder, made when there is none.
    ///
    /// # Errors
    /// When it cannot be made, or others could write there.
    pub fn make(state: &Path) -> Result<Self, FolderError> {
        Ok(Self { folder: OwnFolder::make(state, 0o700)?.sub(FOLDER)? })
    }

    /// The folder, to look at what is kept.
    ///
    /// # Errors
    /// When there is none, or others could write there.
    pub fn open(state: &Path) -> Result<Self, FolderError> {
        Ok(Self { folder: OwnFolder::open(&state.join(FOLDER))? })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Begins a part of a session, the first one (0) under a name that is free: further ones want
    /// the name that [`Segment::session`] gives. The oldest parts of all sessions go, until this one
    /// would fit even when it is full; those that are being written stay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin(&self, session: &str, part: u32, limits: &Limits) -> Result<Segment, StoreError> {
        let path = self.folder.path();
        let wrap = |error| StoreError::Io(path.to_owned(), error);
        let guard = self.folder.keep(LOCK, 0o600).map_err(wrap)?;
        own_folder::lock(&guard, true).map_err(wrap)?;
        let limit = limits.part.min(limits.bytes / 2);
        let parts = self.make_room(limits, limit)?;
        if self.folder.room().map_err(wrap)? < limits.reserve {
            return Err(StoreError::NoRoom(path.to_owned(), limits.reserve >> 20));
        }
        let session = match part {
            0 => free(session, &parts).ok_or_else(|| wrap(io::ErrorKind::AlreadyExists.into()))?,
            _ => session.to_owned(),
        };
        let name = kept::name(&session, part);
        let file = self.folder.begin(&name, 0o600).map_err(wrap)?;
        own_folder::lock(&file, true).map_err(wrap)?;
        Ok(Segment { file, path: path.join(name), session, bytes: 0, limit })
    }

    /// Removes what is too old, and the oldest until `limit` bytes fit. What was there before.
    fn make_room(&self, limits: &Limits, limit: u64) -> Result<Vec<Part>, StoreError> {
        let wrap = |error| StoreError::Io(self.path().to_owned(), error);
        let now = SystemTime::now();
        let mut parts = self.parts().map_err(wrap)?;
        parts.retain(|part| {
            let age = now.duration_since(part.changed).unwrap_or_default();
            let old = age > limits.age && !part.is_written;
            !(old && self.folder.drop_file(&part.name).is_ok())
        });
        let weight = |part: &Part| if part.is_written { part.bytes.max(limit) } else { part.bytes };
        let mut sum: u64 = parts.iter().map(weight).sum();
        let mut count = parts.len();
        for part in parts.iter().filter(|part| !part.is_written) {
            if sum.saturating_add(limit) <= limits.bytes && count < MOST_PARTS {
                break;
            }
            self.folder.drop_file(&part.name).map_err(wrap)?;
            sum -= weight(part);
            count -= 1;
        }
        if sum.saturating_add(limit) > limits.bytes {
            return Err(StoreError::Crowded(self.path().to_owned()));
        }
        Ok(parts)
    }

    /// All parts, the oldest first.
    fn parts(&self) -> io::Result<Vec<Part>> {
        let names = self.folder.names()?;
        let parts = names.into_iter().filter_map(|name| {
            let file = self.folder.open_to_read(&name).ok()?;
            Part::of(name, &file)
        });
        let mut parts: Vec<Part> = parts.collect();
        parts.sort_by(|a, b| (a.changed, &a.name).cmp(&(b.changed, &b.name)));
        Ok(parts)
    }

    /// The sessions that are kept, the newest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn kept(&self) -> io::Result<Vec<Kept>> {
        Ok(kept::sessions(self.parts()?))
    }

    /// Opens a part to read it.
    ///
    /// # Errors
    /// The system's; also when it is no regular file.
    pub fn read(&self, part: &Part) -> io::Result<File> {
        self.folder.open_to_read(&part.name)
    }

    /// The parts of a session after this number, in order, opened to read.
    pub(super) fn later(&self, session: &str, number: u32) -> io::Result<Vec<(u32, File)>> {
        let names = self.folder.names()?;
        let mut later: Vec<(u32, &str)> = names
            .iter()
            .filter_map(|name| {
                let (of, n) = part_of(name)?;
                (of == session && n > number).then_some((n, name.as_str()))
            })
            .collect();
        later.sort_unstable();
        let open = |(n, name)| Ok((n, self.folder.open_to_read(name)?));
        later.into_iter().map(open).collect()
    }

    /// Bytes that are free where it lies.
    ///
    /// # Errors
    /// The system's.
    pub fn room(&self) -> io::Result<u64> {
        self.folder.room()
    }
}

/// A name of which there is no part: that of a session, or one beside it for a twin of the same moment
/// and process.
fn free(session: &str, parts: &[Part]) -> Option<String> {
    let twins = (1..TWINS).map(|twin| format!("{session}.{twin}"));
    let mut names = std::iter::once(session.to_owned()).chain(twins);
    names.find(|name| parts.iter().all(|part| part.session != *name))
}

impl Segment {
    /// A file outside the folder that a person named, with no other limit than the disk's.
    pub fn named(file: File, path: &Path) -> Self {
        Self { file, path: path.to_owned(), session: String::new(), bytes: 0, limit: u64::MAX }
    }

    /// Which session it is a part of; empty for a file that a person named.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the next part should begin: one more write might not fit.
    pub const fn is_full(&self) -> bool {
        let margin = 2 * FRAME_LIMIT as u64;
        let margin = if margin < self.limit / 2 { margin } else { self.limit / 2 };
        self.bytes > self.limit - margin
    }

    /// Bytes that are best written at once.
    pub fn portion(&self) -> usize {
        usize::try_from(self.limit / 8).unwrap_or(usize::MAX)
    }

    /// Whether so many bytes fit.
    pub const fn fits(&self, bytes: usize) -> bool {
        self.bytes.saturating_add(bytes as u64) <= self.limit
    }

    /// Adds whole frames. After an error nothing of them stands there.
    ///
    /// # Errors
    /// The system's.
    pub fn add(&mut self, frames: &[u8]) -> io::Result<()> {
        match self.file.write_all(frames) {
            Ok(()) => {
                self.bytes += frames.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Where even that fails a reader steps over what is torn.
                let _ = self.file.set_len(self.bytes);
                Err(error)
            }
        }
    }

    /// Takes away a part that could not be begun: where the disk refuses it time after time, what is
    /// left of the tries would push out what is kept.
    pub fn discard(self) {
        let _ = rustix::fs::unlink(&self.path);
    }

    /// The frame that begins at an offset, and what follows it.
    pub fn frame_at(&self, offset: u64) -> Vec<u8> {
        let rest = self.bytes.saturating_sub(offset);
        let mut bytes = vec![0; usize::try_from(rest).unwrap_or(usize::MAX).min(FRAME_LIMIT + 64)];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }
}
