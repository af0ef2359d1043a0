//! The words between following and reading: what is found, how much of the past, what stands at
//! a path.

use crate::host::{files::FileError, log_file::LookKind};

use super::rotation::Listing;

/// How much of the past is read at the first look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Bytes before the end.
    pub bytes: u64,
    /// Seconds before now; older lines with a stamp are not published.
    pub secs: i64,
}

impl Backlog {
    /// The recent past: 2 MiB or 15 minutes, whichever is less.
    pub const RECENT: Self = Self { bytes: 2 * 1024 * 1024, secs: 15 * 60 };
    /// Everything that is there.
    pub const ALL: Self = Self { bytes: u64::MAX, secs: i64::MAX };
}

/// What following yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed<'a> {
    /// A line.
    Line(Line<'a>),
    /// Bytes that cannot be read any more; 0 when nobody can tell how many.
    Gap {
        /// Bytes known to be lost.
        bytes: u64,
        /// Why.
        why: &'static str,
    },
    /// Zero bytes where a line should begin: a writer that does not append went on after a
    /// truncation. Nothing was lost.
    Hole {
        /// How many.
        bytes: u64,
    },
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its bytes, without the newline, at most [`super::LINE_LIMIT`].
    pub bytes: &'a [u8],
    /// Bytes cut from its end.
    pub cut: u64,
    /// Whether its newline was seen.
    pub whole: bool,
    /// Whether it was there before the following began.
    pub past: bool,
}

/// Whether a poll left something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Everything was read.
    Idle,
    /// There is more: poll again.
    More,
}

/// What is known of a log's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not looked at yet.
    Unseen,
    /// It is read.
    Following,
    /// Nothing is there.
    Missing,
    /// It may not be read by us.
    Denied,
    /// It is something else.
    NotAFile(LookKind),
    /// It is not text and is not parsed.
    Binary,
    /// Anything else, in the system's words.
    Failed(String),
}

/// Memory that polls share: 64 KiB, however many logs there are.
#[derive(Debug)]
pub struct Scratch {
    pub(super) bytes: Vec<u8>,
    pub(super) wall_nanos: i64,
    pub(super) listing: Listing,
}

impl Scratch {
    pub(super) const CHUNK: usize = 64 * 1024;
}

impl Default for Scratch {
    fn default() -> Self {
        Self { bytes: vec![0; Self::CHUNK + 1024], wall_nanos: 0, listing: Listing::default() }
    }
}

impl From<&FileError> for State {
    fn from(error: &FileError) -> Self {
        match error {
            FileError::Missing => Self::Missing,
            FileError::Denied => Self::Denied,
            other => Self::Failed(other.to_string()),
        }
    }
}
