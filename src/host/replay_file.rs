//! A recording in memory: never more of it than a bound, and what is added while it grows.

use std::{
    io::{self, Read},
    thread,
    time::Duration,
};

use tokio::sync::mpsc;

use super::{files::FileError, recordings::Stream};

/// Between two looks at a file that grows.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes that are handed on at once, and such portions that may wait.
const PORTION: u64 = 1 << 20;
const WAITING: usize = 4;

/// A recording that has been read up to here.
#[derive(Debug)]
pub struct Growing {
    source: Stream,
    limit: u64,
}

/// Reads a recording of at most `limit` bytes, and keeps it open in case that it grows.
///
/// # Errors
/// [`FileError::TooLong`], or what read(2) says.
pub fn read(mut stream: Stream, limit: u64) -> Result<(Vec<u8>, Growing), FileError> {
    // Nothing is read of what is too long already.
    if stream.len_now()? > limit {
        return Err(FileError::TooLong(limit));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut stream).take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLong(limit));
    }
    let limit = limit - bytes.len() as u64;
    Ok((bytes, Growing { source: stream, limit }))
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

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    #[test]
    fn what_is_added_is_handed_on_and_no_more_than_the_bound() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "abc").unwrap();
        let (bytes, growing) = read(Stream::named(&path).unwrap(), 8).unwrap();
        assert!(read(Stream::named(&path).unwrap(), 2).is_err());
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
