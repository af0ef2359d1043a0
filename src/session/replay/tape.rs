//! The bytes of a recording, and reading them from any place that was read before.

use crate::session::recording::{Damage, Entry, Reader, Refusal};

/// Longest recording that is read, in bytes. The recorder begins a new file long before.
pub const MOST_BYTES: usize = 256 << 20;
/// Most entries of one recording that are read.
pub const MOST_ENTRIES: usize = 2_000_000;
/// Bytes that are handed to the reader at once.
const PORTION: usize = 64 << 10;

/// A recording as bytes, which may still become more.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    bytes: Vec<u8>,
    whole: bool,
}

impl Tape {
    /// A recording to which nothing will be added.
    pub fn whole(bytes: Vec<u8>) -> Self {
        Self { bytes, whole: true }
    }

    /// A recording that still grows: what is torn at its end is waited for.
    pub fn growing(bytes: Vec<u8>) -> Self {
        Self { bytes, whole: false }
    }

    /// Whether it may still become more.
    pub const fn grows(&self) -> bool {
        !self.whole
    }

    /// Adds bytes to one that grows; what would be too much is left out. False when it was.
    pub(super) fn add(&mut self, bytes: &[u8]) -> bool {
        let room = MOST_BYTES.saturating_sub(self.bytes.len());
        self.bytes.extend(bytes.iter().take(room));
        bytes.len() <= room
    }

    /// Its length in bytes.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The next entry; `None` when there is none, or not yet.
    pub(super) fn next(&self, cursor: &mut Cursor) -> Option<Entry> {
        loop {
            if let Some(entry) = cursor.reader.next() {
                return Some(entry);
            }
            let rest = self.bytes.get(cursor.fed..).unwrap_or_default();
            if rest.is_empty() {
                if !self.whole || cursor.finished {
                    return None;
                }
                cursor.finished = true;
                cursor.reader.finish();
                continue;
            }
            let portion = rest.get(..PORTION).unwrap_or(rest);
            cursor.reader.feed(portion);
            cursor.fed += portion.len();
        }
    }
}

/// A place in a recording.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    reader: Reader,
    fed: usize,
    finished: bool,
}

impl Cursor {
    /// Bytes that have been read.
    pub(super) fn read(&self) -> usize {
        usize::try_from(self.reader.position()).unwrap_or(usize::MAX)
    }

    /// What was missing up to here.
    pub(super) const fn damage(&self) -> &Damage {
        self.reader.damage()
    }

    /// Why it is not read.
    pub(super) const fn refusal(&self) -> Option<Refusal> {
        self.reader.refusal()
    }
}
