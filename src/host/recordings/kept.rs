//! What is kept: parts by their names, put together to sessions.

use std::{fs::File, time::SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::session::recording::{SUFFIX, part_of};

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name in the folder.
    pub name: String,
    /// The session that it is of.
    pub session: String,
    /// Which part of it, from 0.
    pub number: u32,
    /// Its length.
    pub bytes: u64,
    /// When it was last written to.
    pub changed: SystemTime,
    /// Whether somebody writes it now.
    pub is_written: bool,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name: when it began (UTC) and by which process. Names sort by age.
    pub name: String,
    /// Its files, in order. The first ones may have been removed to make room.
    pub parts: Vec<Part>,
}

impl Kept {
    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// Whether it goes on now.
    pub fn is_written(&self) -> bool {
        self.parts.iter().any(|part| part.is_written)
    }
}

impl Part {
    pub(super) fn of(name: String, file: &File) -> Option<Self> {
        let (session, number) = part_of(&name)?;
        let session = session.to_owned();
        let meta = file.metadata().ok()?;
        let is_written = flock(file, FlockOperation::NonBlockingLockShared).is_err();
        let changed = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some(Self { session, number, bytes: meta.len(), changed, is_written, name })
    }
}

/// The name of a part.
pub(super) fn name(session: &str, part: u32) -> String {
    format!("{session}-{part:03}{SUFFIX}")
}

/// Parts put together, the newest session first.
pub(super) fn sessions(mut parts: Vec<Part>) -> Vec<Kept> {
    parts.sort_by(|a, b| (&b.session, a.number).cmp(&(&a.session, b.number)));
    let together = parts.chunk_by(|a, b| a.session == b.session);
    let kept = together.filter_map(|parts| {
        let name = parts.first()?.session.clone();
        Some(Kept { name, parts: parts.to_vec() })
    });
    kept.collect()
}
