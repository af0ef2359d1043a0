//! Following one log through writes, rotations, truncations and absence.

use std::{
    cmp::Reverse,
    collections::VecDeque,
    path::{Path, PathBuf},
};

use crate::{
    host::{
        files::{FileError, Root},
        log_file::{self, FileId, FileLook, LogFile, LookKind},
    },
    observation::{Boot, Moment, Wall},
};

use super::{
    generation::{Generation, Step},
    mark::is_beginning_of,
    rotation::{COARSE, Candidate, Listing, Siblings},
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
    listing: Listing,
}

impl Scratch {
    pub(super) const CHUNK: usize = 64 * 1024;
}

impl Default for Scratch {
    fn default() -> Self {
        Self { bytes: vec![0; Self::CHUNK + 1024], wall_nanos: 0, listing: Listing::default() }
    }
}

/// Follows one log. It does nothing by itself: each [`Follower::poll`] looks once.
#[derive(Debug)]
pub struct Follower {
    root: Root,
    path: PathBuf,
    backlog: Backlog,
    /// Oldest first; the last is the one that stood at the path when it was looked at last.
    generations: VecDeque<Generation>,
    siblings: Option<Siblings>,
    /// Files that were let go, with their positions, in case one comes back.
    finished: VecDeque<(FileId, u64)>,
    begun: Wall,
    state: State,
    active: Boot,
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
                        Err(error) => self.settle(state_of(&error)),
                    }
                }
                Some(look)
            }
            Ok(look) => {
                self.settle(State::NotAFile(look.kind));
                None
            }
            Err(error) => {
                self.settle(state_of(&error));
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

    fn known(&self, more: FileId) -> Vec<FileId> {
        let finished = self.finished.iter().map(|(id, _)| *id);
        self.generations.iter().map(|known| known.id).chain(finished).chain([more]).collect()
    }

    /// Files that stood at the path between two looks; the flag says that one continues the last
    /// that we read, as its copy.
    fn in_between(
        &mut self,
        id: FileId,
        listing: &mut Listing,
        sink: &mut dyn FnMut(Followed<'_>),
    ) -> Vec<(Candidate, bool)> {
        let known = self.known(id);
        let wanted = self.generations.back().map(|last| last.id);
        let Some(siblings) = &mut self.siblings else { return Vec::new() };
        let scan = siblings.scan(&self.root, &self.path, &known, wanted, listing);
        let last = self.generations.back_mut();
        // The one that we read may itself be among the compressed; it is not lost.
        let own = usize::from(last.is_some() && scan.wanted.is_none());
        if scan.compressed > own {
            sink(Followed::Gap {
                bytes: 0,
                why: "a rotated file was compressed before it could be read",
            });
        }
        if let (Some(last), Some(name)) = (last, scan.wanted) {
            last.name = name;
        }
        let last = self.generations.back();
        let continues = |candidate: &Candidate| {
            let Some(last) = last else { return Some(false) };
            if !is_younger(candidate.look.id, last.id) {
                return None;
            }
            if !last.mark.is_head_of(&candidate.file) {
                return Some(false);
            }
            // A copy of the one that we read says more only if that one is gone.
            if let Some(original) = last.file() {
                let copy = is_beginning_of(&candidate.file, candidate.look.size, original);
                return (!copy).then_some(false);
            }
            let holds = last.mark.tail_holds(&candidate.file, last.offset).unwrap_or(false);
            holds.then_some(true)
        };
        let fresh = scan.fresh.into_iter().filter(|one| one.rotated);
        let mut fresh: Vec<_> =
            fresh.filter_map(|one| continues(&one).map(|continues| (one, continues))).collect();
        // Only one copy can be continued: the one that says most, and before anything else.
        fresh.sort_by_key(|(one, continues)| {
            (!continues, continues.then_some(Reverse(one.look.size)))
        });
        let copies = fresh.iter().filter(|(_, continues)| *continues).count();
        fresh.drain(copies.min(1)..copies);
        fresh
    }

    /// What was given back is needed again: another file stands at its place.
    fn reopen_last(&mut self, listing: &mut Listing) {
        let Some(last) = self.generations.back_mut().filter(|last| !last.is_open()) else { return };
        let Some(mut siblings) = self.siblings.clone() else { return };
        let place = siblings.scan(&self.root, &self.path, &[], Some(last.id), listing).wanted;
        if let Some(place) = place {
            last.reopen(&self.root, &place);
        }
    }

    /// A file was cut or rewritten in place. If it was copied before, the rest is read from the
    /// copy; if not, what was not read is lost.
    fn rewritten(
        &mut self,
        at: usize,
        now: Boot,
        listing: &mut Listing,
        sink: &mut dyn FnMut(Followed<'_>),
    ) {
        let Some(id) = self.generations.get(at).map(|generation| generation.id) else { return };
        let known = self.known(id);
        let scan = match &mut self.siblings {
            Some(siblings) => siblings.scan(&self.root, &self.path, &known, None, listing),
            None => super::rotation::Scan::default(),
        };
        let Some(cut) = self.generations.get_mut(at) else { return };
        let size = cut.file().and_then(|file| file.look().ok()).map_or(0, |look| look.size);
        let (mut copies, others): (Vec<_>, Vec<_>) =
            scan.fresh.into_iter().partition(|one| cut.mark.is_head_of(&one.file));
        copies.retain(|copy| {
            copy.look.size >= cut.offset
                && cut.mark.tail_holds(&copy.file, cut.offset).unwrap_or(false)
        });
        let copy = copies.into_iter().max_by_key(|copy| copy.look.size);
        let mut fresh = Vec::new();
        if let Some(copy) = copy {
            let lost = cut.size.saturating_sub(copy.look.size);
            let written = copy.look.size > cut.size || size > 0;
            if lost > 0 || written {
                sink(Followed::Gap {
                    bytes: lost,
                    why: "copied and truncated while it was written: \
                          lines between the copy and the cut are in neither file",
                });
            }
            fresh.push(cut.continued((copy.file, copy.look), &copy.path, now));
        } else {
            sink(Followed::Gap {
                bytes: cut.waiting(),
                why: "truncated: what was written since the last look is lost",
            });
            cut.finish(sink);
        }
        cut.restart(size);
        fresh.extend(successors(others, id, now));
        self.insert(at, fresh);
    }

    /// An empty file was written to. Whether that was cut away again before we saw it, only a
    /// copy beside it can tell.
    fn stirred(
        &mut self,
        at: usize,
        now: Boot,
        listing: &mut Listing,
        sink: &mut dyn FnMut(Followed<'_>),
    ) {
        let Some(empty) = self.generations.get(at) else { return };
        let (id, size) = (empty.id, empty.size);
        let known = self.known(id);
        let Some(siblings) = &mut self.siblings else { return };
        let scan = siblings.scan(&self.root, &self.path, &known, None, listing);
        let fresh: Vec<Generation> = successors(scan.fresh, id, now).collect();
        if fresh.is_empty() && size == 0 {
            sink(Followed::Gap { bytes: 0, why: "written and emptied between two looks" });
        }
        self.insert(at, fresh);
    }

    fn insert(&mut self, at: usize, fresh: Vec<Generation>) {
        for (step, generation) in fresh.into_iter().enumerate() {
            self.generations.insert(at + step, generation);
        }
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

/// Rotated files that were made after the one with this identity, to be read from their start.
fn successors(fresh: Vec<Candidate>, id: FileId, now: Boot) -> impl Iterator<Item = Generation> {
    fresh
        .into_iter()
        .filter(move |one| one.rotated && is_younger(one.look.id, id))
        .map(move |one| Generation::new((one.file, one.look), &one.path, 0, now))
}

/// Whether a file may have been made after another. Where birth is not known it may.
fn is_younger(one: FileId, other: FileId) -> bool {
    one.born().zip(other.born()).is_none_or(|(born, before)| born >= before)
}

fn state_of(error: &FileError) -> State {
    match error {
        FileError::Missing => State::Missing,
        FileError::Denied => State::Denied,
        other => State::Failed(other.to_string()),
    }
}
