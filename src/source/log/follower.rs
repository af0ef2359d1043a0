//! Following one log through writes, rotations, truncations and absence.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use crate::{
    host::{
        files::Root,
        log_file::{self, FileId, FileLook, LogFile, LookKind},
    },
    observation::{Boot, Moment, Wall},
};

use super::{
    found::{Backlog, Followed, Progress, Scratch, State},
    generation::{Generation, Step},
    rotation::{COARSE, Listing, Siblings},
};

/// Bytes read in one poll.
const ROUND: usize = 256 * 1024;
/// A rotated file is held open for this long after its last growth, in microseconds: workers that
/// have not reopened their log yet still write to it.
const LINGER: u64 = 10_000_000;
/// A deleted file that nobody writes is let go after this, so that its disk space comes free.
const DELETED: u64 = 60_000_000;
/// Rotated files held at a time.
const DRAINING: usize = 16;

/// Follows one log. It does nothing by itself: each [`Follower::poll`] looks once.
#[derive(Debug)]
pub struct Follower {
    pub(super) root: Root,
    pub(super) path: PathBuf,
    pub(super) backlog: Backlog,
    /// Oldest first; the last is the one that stood at the path when it was looked at last.
    pub(super) generations: VecDeque<Generation>,
    pub(super) siblings: Option<Siblings>,
    /// Files that were let go, with their positions, in case one comes back.
    pub(super) finished: VecDeque<(FileId, u64)>,
    pub(super) begun: Wall,
    pub(super) state: State,
    pub(super) active: Boot,
}

impl Follower {
    /// A follower of `path` in `root`.
    pub fn new(root: Root, path: impl Into<PathBuf>, backlog: Backlog) -> Self {
        Self {
            root,
            path: path.into(),
            backlog,
            generations: VecDeque::new(),
            siblings: None,
            finished: VecDeque::new(),
            begun: Wall::default(),
            state: State::Unseen,
            active: Boot::default(),
        }
    }

    /// The path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tree that it is in.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// What is known of the path since the last poll.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// When something was read last.
    pub const fn active(&self) -> Boot {
        self.active
    }

    /// Descriptors held now.
    pub fn open_files(&self) -> usize {
        self.generations.iter().filter(|generation| generation.is_open()).count()
    }

    /// Whether a rotated file is still held, which may be written under its new name.
    pub fn is_draining(&self) -> bool {
        self.generations.len() > 1
    }

    /// Whether everything that was there at the first look has been given.
    pub fn caught_up(&self) -> bool {
        self.state != State::Unseen && !self.generations.iter().any(Generation::is_in_past)
    }

    /// Looks at the path and reads at most 256 KiB. Give `sink` what it finds, in order: a
    /// rotated file before the one that took its place.
    pub fn poll(
        &mut self,
        now: Moment,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(Followed<'_>),
    ) -> Progress {
        scratch.wall_nanos = now.wall.0.saturating_mul(1000);
        scratch.listing.now = scratch.wall_nanos;
        let at_path = self.look(now, &mut scratch.listing, sink);
        let progress = self.read(now.boot, at_path, scratch, sink);
        if progress == Progress::Idle {
            self.let_go(now.boot, sink);
        }
        progress
    }

    /// Gives descriptors back. Rotated files that were read to their end are let go.
    pub fn give_back(&mut self, sink: &mut dyn FnMut(Followed<'_>)) {
        while self.generations.len() > 1
            && self.generations.front().is_some_and(Generation::is_drained)
        {
            self.finish_oldest(sink);
        }
        for generation in &mut self.generations {
            generation.close();
        }
    }

    fn look(
        &mut self,
        now: Moment,
        listing: &mut Listing,
        sink: &mut dyn FnMut(Followed<'_>),
    ) -> Option<FileLook> {
        let first = self.siblings.is_none();
        if first {
            self.siblings = Some(Siblings::begin(&self.root, &self.path, listing));
            self.begun = now.wall;
        }
        match log_file::look(&self.root, &self.path) {
            Ok(look) if look.kind == LookKind::File => {
                if self.generations.back().is_some_and(|last| last.id.is(look.id)) {
                    self.settle(State::Following);
                } else {
                    match LogFile::open(&self.root, &self.path) {
                        Ok(opened) => self.take_up(opened, first, now, listing, sink),
                        Err(error) => self.settle(State::from(&error)),
                    }
                }
                Some(look)
            }
            Ok(look) => {
                self.settle(State::NotAFile(look.kind));
                None
            }
            Err(error) => {
                self.settle(State::from(&error));
                None
            }
        }
    }

    fn settle(&mut self, state: State) {
        let binary = self.generations.back().is_some_and(|last| last.binary);
        self.state = if state == State::Following && binary { State::Binary } else { state };
    }

    /// Another file stands at the path: what stood there is drained, what was rotated in between
    /// is found, and the new one is begun.
    fn take_up(
        &mut self,
        opened: (LogFile, FileLook),
        first: bool,
        now: Moment,
        listing: &mut Listing,
        sink: &mut dyn FnMut(Followed<'_>),
    ) {
        let id = opened.1.id;
        self.reopen_last(listing);
        if self.generations.back_mut().is_some_and(Generation::is_rewritten) {
            self.rewritten(self.generations.len() - 1, now.boot, listing, sink);
        }
        let fresh = if first { Vec::new() } else { self.in_between(id, listing, sink) };
        if let Some(last) = self.generations.back_mut() {
            last.grown = now.boot;
        }
        for (candidate, continues) in fresh {
            let opened = (candidate.file, candidate.look);
            let between = if continues && let Some(mut gone) = self.generations.pop_back() {
                gone.continued(opened, &candidate.path, now.boot)
            } else {
                Generation::new(opened, &candidate.path, 0, now.boot)
            };
            self.generations.push_back(between);
        }
        if let Some(at) = self.generations.iter().position(|known| known.id.is(id)) {
            // A file that was moved away came back.
            let back = self.generations.remove(at);
            self.generations.extend(back);
            self.settle(State::Following);
            return;
        }
        let offset = self.start_of(&opened.1, first);
        let mut begun = Generation::new(opened, &self.path, offset, now.boot);
        if first {
            begun.mark_past();
        }
        self.generations.push_back(begun);
        self.settle(State::Following);
    }

    /// A file that appeared under our eyes is read whole; one that was there is read from near
    /// its end; one that we had read is continued.
    fn start_of(&self, look: &FileLook, first: bool) -> u64 {
        // Without a birth time an inode number alone may be another file's.
        let same = |id: FileId| id.born().is_some() && id.is(look.id);
        if let Some((_, offset)) = self.finished.iter().find(|(id, _)| same(*id)) {
            return (*offset).min(look.size);
        }
        let begun = self.begun.0.saturating_mul(1000).saturating_sub(COARSE);
        let young = look.id.born().is_some_and(|born| born >= begun);
        if first || (!young && self.generations.is_empty() && self.finished.is_empty()) {
            look.size.saturating_sub(self.backlog.bytes)
        } else {
            0
        }
    }

    pub(super) fn known(&self, more: FileId) -> Vec<FileId> {
        let finished = self.finished.iter().map(|(id, _)| *id);
        self.generations.iter().map(|known| known.id).chain(finished).chain([more]).collect()
    }

    fn read(
        &mut self,
        now: Boot,
        at_path: Option<FileLook>,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(Followed<'_>),
    ) -> Progress {
        let mut budget = ROUND;
        let mut at = 0;
        let mut rewrites = 0;
        while let Some(generation) = self.generations.get_mut(at) {
            match generation.step(&self.root, now, at_path, scratch, sink) {
                Step::Read(bytes) => {
                    self.active = now;
                    budget = budget.saturating_sub(bytes.max(4096));
                    if budget == 0 {
                        return Progress::More;
                    }
                }
                Step::End => at += 1,
                Step::Binary => {
                    self.settle(State::Following);
                    at += 1;
                }
                Step::Rewritten if rewrites == 4 => return Progress::More,
                Step::Rewritten => {
                    rewrites += 1;
                    self.rewritten(at, now, &mut scratch.listing, sink);
                }
                Step::Stirred => self.stirred(at, now, &mut scratch.listing, sink),
                Step::Lost => at += usize::from(self.found_again(at, &mut scratch.listing, sink)),
            }
        }
        Progress::Idle
    }

    /// A file whose descriptor was given back is not where it was: look beside. Gives whether it
    /// is still among the generations but cannot be read now.
    fn found_again(
        &mut self,
        at: usize,
        listing: &mut Listing,
        sink: &mut dyn FnMut(Followed<'_>),
    ) -> bool {
        let Some(generation) = self.generations.get_mut(at) else { return false };
        let id = generation.id;
        if let Ok(look) = log_file::look(&self.root, &generation.name)
            && look.id.is(id)
        {
            // It is there, and may not be opened now.
            return true;
        }
        let place = self.siblings.clone().and_then(|mut siblings| {
            siblings.scan(&self.root, &self.path, &[], Some(id), listing).wanted
        });
        if place.is_some_and(|place| generation.reopen(&self.root, &place)) {
            return false;
        }
        sink(Followed::Gap {
            bytes: generation.waiting(),
            why: "removed while it was not held open: what was written last is lost",
        });
        generation.finish(sink);
        self.generations.remove(at);
        false
    }

    fn let_go(&mut self, now: Boot, sink: &mut dyn FnMut(Followed<'_>)) {
        while self.generations.len() > 1 {
            let Some(oldest) = self.generations.front() else { break };
            let idle = now.0.saturating_sub(oldest.grown.0);
            let crowded = self.generations.len() > DRAINING;
            if oldest.waiting() > 0 || (idle <= LINGER && !crowded) {
                break;
            }
            self.finish_oldest(sink);
        }
        let gone = |last: &Generation| {
            last.links == 0 && last.waiting() == 0 && now.0.saturating_sub(last.grown.0) > DELETED
        };
        if self.generations.len() == 1 && self.generations.front().is_some_and(gone) {
            self.finish_oldest(sink);
        }
    }

    fn finish_oldest(&mut self, sink: &mut dyn FnMut(Followed<'_>)) {
        let Some(mut oldest) = self.generations.pop_front() else { return };
        oldest.finish(sink);
        self.finished.push_back((oldest.id, oldest.offset));
        if self.finished.len() > DRAINING {
            self.finished.pop_front();
        }
    }
}
