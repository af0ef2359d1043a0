//! Reading a recording: the files of a session one behind the other, or one that a person names.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use rustix::fs::{FileType, Mode, OFlags};

use super::{Kept, Store};
use crate::host::files::{FileError, Root};

/// Longest file that is read: a recording never becomes so long.
const LONGEST: u64 = 4 << 30;

/// `/proc` and `/sys` (statfs(2)): reading there does things, `/proc/kmsg` forgets what was read.
const OF_THE_KERNEL: [u32; 2] = [0x9fa0, 0x6265_6572];

/// Why a file is not read as a recording. It says nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// It is a link, and root follows none that somebody may have laid.
    #[error("a symbolic link, which root does not follow: name the file itself")]
    Link,
    /// It is a directory, FIFO, socket, device or a file of the kernel's.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is longer than any recording.
    #[error("it is longer than any recording")]
    TooLong,
    /// Most of it are holes.
    #[error("it is mostly empty")]
    Sparse,
    /// Anything else.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The bytes of a recording. At its end more may come, while it is still being written: reading on
/// gives it.
#[derive(Debug)]
pub struct Stream {
    files: Vec<File>,
    at: usize,
    later: Option<Later>,
}

/// Where parts of a session that goes on may still begin.
#[derive(Debug)]
struct Later {
    store: Store,
    session: String,
    /// Number of the newest part that is open.
    number: u32,
}

impl Stream {
    /// A file that a person names.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn named(path: &Path) -> Result<Self, StreamError> {
        Ok(Self { files: vec![open_named(path)?], at: 0, later: None })
    }

    /// The files of a session that is kept.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn kept(store: &Store, kept: &Kept) -> io::Result<Self> {
        let files: io::Result<Vec<File>> = kept.parts.iter().map(|part| store.read(part)).collect();
        Ok(Self { files: files?, at: 0, later: None })
    }

    /// The files of a session that is kept, and those parts of it that begin while it is read.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn following(store: Store, kept: &Kept) -> io::Result<Self> {
        let stream = Self::kept(&store, kept)?;
        let number = kept.parts.last().map_or(0, |part| part.number);
        let later = Some(Later { store, session: kept.name.clone(), number });
        Ok(Self { later, ..stream })
    }

    /// Bytes of its files as they are now: one full of holes says at once how long it is.
    ///
    /// # Errors
    /// The system's.
    pub fn len_now(&self) -> io::Result<u64> {
        self.files.iter().map(|file| file.metadata().map(|meta| meta.len())).sum()
    }

    /// Opens the parts that have begun since. Whether there are any.
    fn go_on(&mut self) -> io::Result<bool> {
        let Some(later) = &mut self.later else { return Ok(false) };
        let new = later.store.later(&later.session, later.number)?;
        let any = !new.is_empty();
        for (number, file) in new {
            later.number = number;
            self.files.push(file);
        }
        Ok(any)
    }
}

/// Opens a file that a person names, as something that a stranger may have sent. What stands there is
/// held and looked at before it is opened; root follows no link that somebody may have laid.
///
/// # Errors
/// [`StreamError`].
fn open_named(path: &Path) -> Result<File, StreamError> {
    let mut flags = OFlags::PATH | OFlags::CLOEXEC;
    if rustix::process::geteuid().is_root() {
        flags |= OFlags::NOFOLLOW;
    }
    let held = rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?;
    let mode = rustix::fs::fstat(&held).map_err(io::Error::from)?.st_mode;
    if FileType::from_raw_mode(mode) == FileType::Symlink {
        return Err(StreamError::Link);
    }
    let system = rustix::fs::fstatfs(&held).map_err(io::Error::from)?.f_type;
    if OF_THE_KERNEL.iter().any(|kind| i128::from(*kind) == i128::from(system)) {
        return Err(StreamError::NotAFile);
    }
    let file = Root::open_pinned(&held).map_err(|error| match error {
        FileError::NotAFile => StreamError::NotAFile,
        FileError::Missing => StreamError::Io(io::ErrorKind::NotFound.into()),
        FileError::Denied => StreamError::Io(io::ErrorKind::PermissionDenied.into()),
        FileError::Io(error) => StreamError::Io(error),
        other => StreamError::Io(io::Error::other(other)),
    })?;
    let meta = file.metadata()?;
    if meta.len() > LONGEST {
        return Err(StreamError::TooLong);
    }
    // A file of a megabyte or more of which less than a tenth is there.
    if meta.len() > 1 << 20 && meta.blocks().saturating_mul(512 * 10) < meta.len() {
        return Err(StreamError::Sparse);
    }
    Ok(file)
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let last = self.at + 1 >= self.files.len();
            let Some(file) = self.files.get_mut(self.at) else { return Ok(0) };
            match file.read(buf)? {
                0 if buf.is_empty() => return Ok(0),
                0 if !last => self.at += 1,
                // The last one is read once more then: nothing is added to it after the next has begun,
                // but something may have been since it was read.
                0 if self.go_on()? => {}
                read => return Ok(read),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::recordings::Limits;

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, kind, Mode::RUSR, 0).unwrap();
        for bad in [fifo.as_path(), dir.path(), Path::new("/dev/zero"), Path::new("/proc/kmsg")] {
            assert!(Stream::named(bad).is_err(), "{bad:?}");
        }
        let hole = dir.path().join("hole");
        File::create(&hole).unwrap().set_len(2 << 30).unwrap();
        assert!(matches!(Stream::named(&hole), Err(StreamError::Sparse | StreamError::TooLong)));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        if rustix::process::geteuid().is_root() {
            assert!(matches!(Stream::named(&link), Err(StreamError::Link)));
        }
    }

    #[test]
    fn a_part_that_begins_while_a_session_is_followed_is_read_after_the_end_of_the_one_before() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::make(&place.path().join("state")).unwrap();
        let limits = Limits::default();
        let mut first = store.begin("20261121T033016Z-9", 0, &limits).unwrap();
        first.add(b"one ").unwrap();
        let kept = store.kept().unwrap().remove(0);
        let again = Store::open(&place.path().join("state")).unwrap();
        let mut followed = Stream::following(again, &kept).unwrap();
        let mut still = Stream::kept(&store, &kept).unwrap();
        let mut more = |stream: &mut Stream| {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        };
        assert_eq!((more(&mut followed), more(&mut still)), ("one ".into(), "one ".into()));
        assert_eq!(more(&mut followed), "");
        first.add(b"two ").unwrap();
        let mut second = store.begin("20261121T033016Z-9", 1, &limits).unwrap();
        second.add(b"three ").unwrap();
        store.begin("20261121T033016Z-7", 2, &limits).unwrap().add(b"of another").unwrap();
        assert_eq!(more(&mut followed), "two three ");
        store.begin("20261121T033016Z-9", 2, &limits).unwrap().add(b"four").unwrap();
        assert_eq!((more(&mut followed), more(&mut still)), ("four".into(), "two ".into()));
    }
}
