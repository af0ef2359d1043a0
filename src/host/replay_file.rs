//! The file of a recording, read as something that a stranger sent: never a FIFO, a device or a
//! folder, for root never a link, and never more than a bound.

use std::{
    fmt,
    io::{self, Read},
    path::Path,
    thread,
    time::Duration,
};

use rustix::fs::FileType;
use tokio::sync::mpsc;

use super::{
    files::FileError,
    recordings::{StreamError, open_named},
};

/// Between two looks at a file that grows.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes that are handed on at once, and such portions that may wait.
const PORTION: u64 = 1 << 20;
const WAITING: usize = 4;

/// Why a recording cannot be read. Nothing of what stands in the file is in it.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFileError {
    /// It is a link, and root follows none that somebody may have laid.
    #[error("a symbolic link, which root does not follow: name the file itself")]
    Link,
    /// It is nothing that could be a recording.
    #[error(transparent)]
    Named(#[from] StreamError),
    /// As for any other file.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A recording that has been read up to here.
pub struct Growing {
    source: Box<dyn Read + Send>,
    limit: u64,
}

impl fmt::Debug for Growing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Growing").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Reads a recording of at most `limit` bytes, and keeps it open in case that it grows.
///
/// # Errors
/// [`ReplayFileError`].
pub fn read(path: &Path, limit: u64) -> Result<(Vec<u8>, Growing), ReplayFileError> {
    if rustix::process::geteuid().is_root() && is_link(path) {
        return Err(ReplayFileError::Link);
    }
    let file = open_named(path)?;
    // A file full of holes says at once how long it is.
    let length = file.metadata().map_err(FileError::from)?.len();
    if length > limit {
        return Err(FileError::TooLong(limit).into());
    }
    Ok(read_on(Box::new(file), limit)?)
}

/// Reads what has been opened already, such as the files of a session that is kept.
///
/// # Errors
/// [`FileError::TooLong`], or what read(2) says.
pub fn read_on(
    mut source: Box<dyn Read + Send>,
    limit: u64,
) -> Result<(Vec<u8>, Growing), FileError> {
    let mut bytes = Vec::new();
    Read::by_ref(&mut source).take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLong(limit));
    }
    let limit = limit - bytes.len() as u64;
    Ok((bytes, Growing { source, limit }))
}

/// Reads a recording of at most `limit` bytes from standard input.
///
/// # Errors
/// [`FileError::TooLong`], or what read(2) says.
pub fn read_stdin(limit: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(FileError::TooLong(limit)) } else { Ok(bytes) }
}

impl Growing {
    /// Hands on what is added, on a thread of its own, until nobody takes it any more, the file
    /// cannot be read or has become too long.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn follow(mut self) -> io::Result<mpsc::Receiver<Vec<u8>>> {
        let (lane, added) = mpsc::channel(WAITING);
        thread::Builder::new().name("follow".to_owned()).spawn(move || {
            while let Ok(bytes) = self.more() {
                if bytes.is_empty() {
                    if lane.is_closed() {
                        break;
                    }
                    thread::sleep(LOOK);
                } else if lane.blocking_send(bytes).is_err() {
                    break;
                }
            }
        })?;
        Ok(added)
    }

    fn more(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if self.limit == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = PORTION.min(self.limit);
        Read::by_ref(&mut self.source).take(most).read_to_end(&mut bytes)?;
        self.limit = self.limit.saturating_sub(bytes.len() as u64);
        Ok(bytes)
    }
}

fn is_link(path: &Path) -> bool {
    let stat = rustix::fs::lstat(path);
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io::Write,
        os::unix::fs::symlink,
    };

    use rustix::fs::{CWD, Mode};

    use super::*;

    #[test]
    fn what_is_no_file_or_too_long_is_refused_without_being_read() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let sparse = dir.path().join("sparse");
        File::create(&sparse).unwrap().set_len(2 << 30).unwrap();
        for path in [&fifo, &sparse, dir.path(), Path::new("/dev/zero"), Path::new("/proc/version")]
        {
            assert!(read(path, 1 << 20).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn root_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "x").unwrap();
        symlink(&file, &link).unwrap();
        let root = rustix::process::geteuid().is_root();
        assert_eq!(matches!(read(&link, 10), Err(ReplayFileError::Link)), root);
        assert_eq!(read(&file, 10).unwrap().0, b"x");
    }

    #[test]
    fn what_is_added_is_handed_on_and_no_more_than_the_bound() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "abc").unwrap();
        let (bytes, growing) = read(&path, 8).unwrap();
        let mut added = growing.follow().unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"defghijkl").unwrap();
        let mut all = bytes;
        while let Some(more) = added.blocking_recv() {
            all.extend(more);
        }
        assert_eq!(all, b"abcdefgh");
    }
}
