//! One file of a log's life: from its creation to its rotation.

use std::path::{Path, PathBuf};

use crate::{
    host::{
        files::Root,
        log_file::{FileId, FileLook, LogFile},
    },
    observation::Boot,
};

use super::{
    found::{Followed, Line, Scratch},
    lines::{LineSplitter, Piece},
    mark::Mark,
};

/// Bytes that may wait unread before the reading jumps forward.
pub(super) const LAG_LIMIT: u64 = 64 * 1024 * 1024;
/// Bytes before the end at which a jump lands.
const LANDING: u64 = 1024 * 1024;
/// A file that was written this recently is looked into although its size says nothing new
/// (nanoseconds; the kernel's stamps are as coarse as 10 ms).
const FRESH: i64 = 100_000_000;

/// What one step of reading found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Bytes were read; there may be more.
    Read(usize),
    /// Nothing new.
    End,
    /// What stands there is not what was read before: it was cut or rewritten.
    Rewritten,
    /// It was empty and was written to since: what stood there first may have been copied away
    /// and cut already.
    Stirred,
    /// The file is not text.
    Binary,
    /// The descriptor was given back and the file cannot be found any more.
    Lost,
}

/// One file with the position up to which it was read.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) id: FileId,
    file: Option<LogFile>,
    /// Name under which it was seen last.
    pub(super) name: PathBuf,
    pub(super) offset: u64,
    /// Size when it was looked at last.
    pub(super) size: u64,
    modified: i64,
    pub(super) mark: Mark,
    pub(super) splitter: LineSplitter,
    /// When it last grew.
    pub(super) grown: Boot,
    pub(super) links: u32,
    pub(super) binary: bool,
    /// Lines before this position are the past, as found at the first look.
    past: u64,
    sniffed: bool,
}

impl Generation {
    /// A generation read from `offset`.
    pub(super) fn new(
        (file, look): (LogFile, FileLook),
        name: &Path,
        offset: u64,
        now: Boot,
    ) -> Self {
        let mut splitter = LineSplitter::default();
        let mut before = [0];
        if offset > 0 && (file.read_at(&mut before, offset - 1).ok() != Some(1) || before != *b"\n")
        {
            splitter.resync();
        }
        let mut mark = Mark::default();
        mark.moved_to(&file, offset);
        Self {
            id: look.id,
            file: Some(file),
            name: name.to_owned(),
            offset,
            size: look.size,
            modified: i64::MIN,
            mark,
            splitter,
            grown: now,
            links: look.links,
            binary: false,
            past: 0,
            sniffed: false,
        }
    }

    /// The rest of a copy of this file, which was itself cut; a line that waits for its newline
    /// goes along.
    pub(super) fn continued(&mut self, copy: (LogFile, FileLook), name: &Path, now: Boot) -> Self {
        let mut rest = Self::new(copy, name, self.offset, now);
        rest.splitter = std::mem::take(&mut self.splitter);
        rest.mark = self.mark.clone();
        rest.past = self.past;
        rest.sniffed = self.sniffed;
        rest
    }

    /// Everything that is there now counts as the past.
    pub(super) const fn mark_past(&mut self) {
        self.past = self.size;
    }

    /// Whether a part of the past is still to be read.
    pub(super) const fn is_in_past(&self) -> bool {
        self.offset < self.past && self.offset < self.size
    }

    /// Begins again at the file's start.
    pub(super) fn restart(&mut self, size: u64) {
        self.offset = 0;
        self.size = size;
        self.past = 0;
        self.modified = i64::MIN;
        self.mark = Mark::default();
        self.sniffed = false;
        self.binary = false;
    }

    /// Whether a descriptor is held.
    pub(super) const fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// The descriptor, if it is held.
    pub(super) const fn file(&self) -> Option<&LogFile> {
        self.file.as_ref()
    }

    /// Gives the descriptor back; the file is found again by name and identity. A deleted file
    /// that has more to say is kept.
    pub(super) fn close(&mut self) {
        let look = self.file.as_ref().and_then(|file| file.look().ok());
        if self.is_drained() || look.is_none_or(|look| look.links > 0) {
            self.file = None;
        }
    }

    /// Takes a descriptor for this very file.
    pub(super) fn reopen(&mut self, root: &Root, name: &Path) -> bool {
        match LogFile::open(root, name) {
            Ok((file, look)) if look.id.is(self.id) => {
                self.file = Some(file);
                name.clone_into(&mut self.name);
                true
            }
            _ => false,
        }
    }

    /// Whether the open file was read to its end and nothing happened to it since.
    pub(super) fn is_drained(&self) -> bool {
        let look = self.file.as_ref().and_then(|file| file.look().ok());
        look.is_some_and(|look| {
            look.size == self.size && look.modified == self.modified && self.waiting() == 0
        })
    }

    /// Bytes known to wait unread.
    pub(super) const fn waiting(&self) -> u64 {
        self.size.saturating_sub(self.offset)
    }

    /// Reads one chunk. `at_path` is what stands at the log's path: a file that was given back
    /// and did not change since is not opened again.
    pub(super) fn step(
        &mut self,
        root: &Root,
        now: Boot,
        at_path: Option<FileLook>,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(Followed<'_>),
    ) -> Step {
        if self.file.is_none() {
            let idle = |look: FileLook| {
                look.id.is(self.id)
                    && look.size == self.size
                    && look.modified == self.modified
                    && self.offset >= self.size
            };
            if at_path.is_some_and(idle) {
                return Step::End;
            }
            let name = self.name.clone();
            if !self.reopen(root, &name) {
                return Step::Lost;
            }
        }
        let Some(file) = self.file.take() else { return Step::Lost };
        let step = self.step_in(&file, now, scratch, sink);
        self.file = Some(file);
        step
    }

    fn step_in(
        &mut self,
        file: &LogFile,
        now: Boot,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(Followed<'_>),
    ) -> Step {
        let Ok(look) = file.look() else { return Step::End };
        self.links = look.links;
        let unchanged = look.size == self.size && look.modified == self.modified;
        if look.size < self.size {
            if !self.was_only_shortened(file, look.size) {
                return Step::Rewritten;
            }
            sink(Followed::Gap { bytes: self.size - look.size, why: "the file's end was cut off" });
            self.size = look.size;
        }
        if look.size > self.size {
            self.grown = now;
        }
        let settled = unchanged && scratch.wall_nanos.saturating_sub(look.modified) > FRESH;
        let stirred =
            self.mark.is_blank() && self.modified != i64::MIN && self.modified != look.modified;
        self.size = look.size;
        self.modified = look.modified;
        if stirred {
            return Step::Stirred;
        }
        if self.binary {
            self.offset = look.size;
            return Step::Binary;
        }
        if self.offset >= look.size {
            return if settled || self.still_holds(file) { Step::End } else { Step::Rewritten };
        }
        if self.waiting() > LAG_LIMIT {
            if !self.still_holds(file) {
                return Step::Rewritten;
            }
            self.jump(file, sink);
        }
        self.read_chunk(file, scratch, sink)
    }

    /// Whether the open file is not what was read of it any more.
    pub(super) fn is_rewritten(&mut self) -> bool {
        let Some(file) = self.file.take() else { return false };
        let shrunk = file.look().is_ok_and(|look| look.size < self.offset);
        let rewritten = shrunk || !self.still_holds(&file);
        self.file = Some(file);
        rewritten
    }

    /// A file whose end was cut off behind our position still matches what was read of it.
    fn was_only_shortened(&mut self, file: &LogFile, size: u64) -> bool {
        size >= self.offset && self.still_holds(file)
    }

    /// Whether the file is still the one that was read. An error says nothing against it.
    fn still_holds(&mut self, file: &LogFile) -> bool {
        self.mark.head_holds(file).unwrap_or(true)
            && self.mark.tail_holds(file, self.offset).unwrap_or(true)
    }

    /// `Some(true)` when the first bytes of the file say so; a first look begins near its end, where
    /// the tables of a program read like text.
    fn begins_as_binary(&self, file: &LogFile) -> Option<bool> {
        let mut head = [0; 8];
        let count = if self.offset == 0 { 0 } else { file.read_at(&mut head, 0).unwrap_or(0) };
        let head = head.get(..count)?;
        MAGIC.iter().any(|magic| head.starts_with(magic)).then_some(true)
    }

    /// The chunk is read first and the marks are compared after it, so that a file which is
    /// rewritten in between is noticed before a byte of it is taken for the old one's.
    fn read_chunk(
        &mut self,
        file: &LogFile,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(Followed<'_>),
    ) -> Step {
        let before = self.mark.tail().len();
        let from = self.offset.saturating_sub(before as u64);
        let Some(buffer) = scratch.bytes.get_mut(..before + Scratch::CHUNK) else {
            return Step::End;
        };
        let Ok(count) = file.read_at(buffer, from) else { return Step::End };
        let held = buffer.get(..before) == Some(self.mark.tail())
            && self.mark.head_holds(file).unwrap_or(true);
        if !held || count < before {
            return Step::Rewritten;
        }
        let chunk = buffer.get(before..count).unwrap_or_default();
        if chunk.is_empty() {
            return Step::End;
        }
        if chunk.first() == Some(&0) && self.skip_hole(file, sink) {
            return Step::Read(0);
        }
        if !self.sniffed {
            match self.begins_as_binary(file).or_else(|| sniff(chunk)) {
                Some(true) => {
                    self.binary = true;
                    self.offset = self.size;
                    return Step::Binary;
                }
                Some(false) => self.sniffed = true,
                None => {}
            }
        }
        let (past, start) = (self.offset < self.past, chunk.len());
        self.splitter.feed(chunk, &mut |piece| forward(piece, past, sink));
        self.offset = self.offset.saturating_add(start as u64);
        self.mark.read(chunk);
        Step::Read(start)
    }

    fn skip_hole(&mut self, file: &LogFile, sink: &mut dyn FnMut(Followed<'_>)) -> bool {
        let data = file.next_data(self.offset).min(self.size);
        let hole = data.saturating_sub(self.offset);
        if hole == 0 {
            return false;
        }
        let past = self.offset < self.past;
        self.splitter.hole(hole, &mut |piece| forward(piece, past, sink));
        self.offset = data;
        self.mark.moved_to(file, data);
        true
    }

    fn jump(&mut self, file: &LogFile, sink: &mut dyn FnMut(Followed<'_>)) {
        if self.skip_hole(file, sink) && self.waiting() <= LAG_LIMIT {
            return;
        }
        let target = self.size.saturating_sub(LANDING);
        sink(Followed::Gap {
            bytes: target.saturating_sub(self.offset),
            why: "more was written than could be read, the oldest was skipped",
        });
        self.mark.moved_to(file, target);
        self.splitter.resync();
        self.offset = target;
    }

    /// Gives what waits for its newline: the file is over.
    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Followed<'_>)) {
        let past = self.offset < self.past;
        self.splitter.finish(&mut |piece| forward(piece, past, sink));
    }
}

fn forward(piece: Piece<'_>, past: bool, sink: &mut dyn FnMut(Followed<'_>)) {
    match piece {
        Piece::Line { bytes, cut, whole } => sink(Followed::Line(Line { bytes, cut, whole, past })),
        Piece::Hole(bytes) => sink(Followed::Hole { bytes }),
    }
}

/// How files begin that are no text: gzip, zstd, xz, bzip2, ELF, zip, the journal.
const MAGIC: [&[u8]; 7] =
    [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"BZh", b"\x7fELF", b"PK\x03\x04", b"LPKSHHRH"];

/// Whether bytes from the start of the reading are not text; `None` when there are only zeros.
fn sniff(bytes: &[u8]) -> Option<bool> {
    if MAGIC.iter().any(|magic| bytes.starts_with(magic)) {
        return Some(true);
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let text = bytes.get(zeros..).unwrap_or_default();
    let sample = text.get(..4096).unwrap_or(text);
    if sample.is_empty() {
        return None;
    }
    // ESC and backspace occur in coloured application logs.
    let odd = |byte: &&u8| **byte < 0x20 && !b"\t\n\r\x0c\x1b\x08".contains(*byte);
    let strange = sample.iter().filter(odd).count();
    Some(strange > 16 && strange * 10 > sample.len())
}
