//! How a file's content is recognised: by its head, and by the bytes before the reading position.

use std::{
    hash::{DefaultHasher, Hasher},
    io,
};

use crate::host::log_file::LogFile;

/// Bytes of the head that are compared.
const HEAD: usize = 1024;
/// Bytes before the position that are compared.
const TAIL: usize = 64;

/// What is remembered of the part of a file that was read. Logs only grow, so a file that does
/// not match any more was truncated or replaced in place, and one that does match under another
/// name is a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    head: usize,
    hash: u64,
    tail: Vec<u8>,
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

impl Mark {
    /// Whether nothing is known of the file.
    pub(super) const fn is_blank(&self) -> bool {
        self.head == 0
    }

    /// Bytes before the position that are known.
    pub(super) fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Remembers the bytes that were read last.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        if bytes.len() >= TAIL {
            self.tail.clear();
        } else {
            let surplus = (self.tail.len() + bytes.len()).saturating_sub(TAIL);
            self.tail.drain(..surplus.min(self.tail.len()));
        }
        let from = bytes.len().saturating_sub(TAIL);
        self.tail.extend_from_slice(bytes.get(from..).unwrap_or_default());
    }

    /// Remembers the bytes that end at `offset`, when the position was moved without reading.
    pub(super) fn moved_to(&mut self, file: &LogFile, offset: u64) {
        let from = offset.saturating_sub(TAIL as u64);
        let mut buffer = [0; TAIL];
        let length = usize::try_from(offset - from).unwrap_or(TAIL);
        self.tail.clear();
        if let Some(buffer) = buffer.get_mut(..length)
            && file.read_at(buffer, from).ok() == Some(length)
        {
            self.tail.extend_from_slice(buffer);
        }
    }

    /// Compares the head, and learns more of it when the file has grown.
    pub(super) fn head_holds(&mut self, file: &LogFile) -> io::Result<bool> {
        let mut buffer = [0; HEAD];
        let count = file.read_at(&mut buffer, 0)?;
        let Some(known) = buffer.get(..self.head).filter(|_| count >= self.head) else {
            return Ok(false);
        };
        if self.head > 0 && hash(known) != self.hash {
            return Ok(false);
        }
        if count > self.head {
            self.head = count;
            self.hash = hash(buffer.get(..count).unwrap_or_default());
        }
        Ok(true)
    }

    /// Compares the bytes that end at `offset`.
    pub(super) fn tail_holds(&self, file: &LogFile, offset: u64) -> io::Result<bool> {
        let mut buffer = [0; TAIL];
        let Some(buffer) = buffer.get_mut(..self.tail.len()) else { return Ok(false) };
        let Some(from) = offset.checked_sub(self.tail.len() as u64) else { return Ok(false) };
        let count = file.read_at(buffer, from)?;
        Ok(count == self.tail.len() && *buffer == *self.tail)
    }

    /// Whether the file begins like the marked one.
    pub(super) fn is_head_of(&self, file: &LogFile) -> bool {
        !self.is_blank() && self.clone().head_holds(file).unwrap_or(false)
    }
}

/// Whether `copy` (of `size` bytes) holds the beginning of `original`.
pub(super) fn is_beginning_of(copy: &LogFile, size: u64, original: &LogFile) -> bool {
    let (mut ours, mut theirs) = ([0; TAIL], [0; TAIL]);
    let from = size.saturating_sub(TAIL as u64);
    let same =
        |a: io::Result<usize>, b: io::Result<usize>| matches!((a, b), (Ok(a), Ok(b)) if a == b);
    same(copy.read_at(&mut ours, from), original.read_at(&mut theirs, from)) && ours == theirs
}
