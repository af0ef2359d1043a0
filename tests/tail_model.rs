//! The log follower against a model: random writes, rotations, truncations, copies, deletions,
//! replacements and pauses. Every line appears once and in order, unless it was cut away before
//! it could be read, and then a gap is reported. `GATEMEDIC_CASES` sets how many cases run.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    reason = "a test may fail loudly and may touch its own files"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::Write,
    path::PathBuf,
};

use gatemedic::{
    host::{clock, files::Root},
    observation::{Boot, Moment},
    source::log::{Backlog, Followed, Follower, Progress, Scratch},
};
use proptest::{prelude::*, test_runner::TestCaseResult};

#[derive(Clone, Copy, Debug)]
enum Act {
    /// So many whole lines.
    Write(u32),
    /// Half a line, which the next write completes.
    Half,
    /// Renamed and created anew; the writer goes on in the old file until `Reopen`.
    Rename,
    Reopen,
    CopyTruncate,
    Truncate,
    DeleteCreate,
    /// Another file, with content, is renamed over it.
    Replace,
    Pause,
    Read,
    /// The pool needs the descriptors.
    GiveBack,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1_u32..12).prop_map(Act::Write),
        1 => Just(Act::Write(3000)),
        2 => Just(Act::Half),
        3 => Just(Act::Rename),
        2 => Just(Act::Reopen),
        3 => Just(Act::CopyTruncate),
        1 => Just(Act::Truncate),
        1 => Just(Act::DeleteCreate),
        1 => Just(Act::Replace),
        1 => Just(Act::Pause),
        6 => Just(Act::Read),
        1 => Just(Act::GiveBack),
    ]
}

/// One life of a file's content: from creation or truncation to the next truncation.
#[derive(Default)]
struct Life {
    lines: Vec<u32>,
    /// Whether the follower looked while something stood there.
    seen: bool,
}

struct World {
    _dir: tempfile::TempDir,
    log: PathBuf,
    writer: File,
    /// Life that the writer writes, and the one at the path.
    writing: usize,
    at_path: usize,
    lives: Vec<Life>,
    half: Option<u32>,
    next: u32,
    follower: Follower,
    scratch: Scratch,
    ahead: u64,
    read: Vec<u32>,
    gaps: usize,
    /// Lines that were cut away unread; whether the follower could know decides if it must say so.
    cut: BTreeSet<u32>,
    due: BTreeSet<u32>,
    /// Whether the follower holds what stands at the path, as far as can be told from here.
    held: bool,
    /// Number of the file at the path, and of the one that stood there at the last look.
    file: usize,
    known: Option<usize>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("access.log");
        let writer = OpenOptions::new().append(true).create(true).open(&log).unwrap();
        Self {
            follower: Follower::new(Root::default(), &log, Backlog::ALL),
            _dir: dir,
            log,
            writer,
            writing: 0,
            at_path: 0,
            lives: vec![Life::default()],
            half: None,
            next: 0,
            scratch: Scratch::default(),
            ahead: 0,
            read: Vec::new(),
            gaps: 0,
            cut: BTreeSet::new(),
            due: BTreeSet::new(),
            held: false,
            file: 0,
            known: None,
        }
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        let number = self.next;
        self.lives[self.writing].lines.push(number);
        number
    }

    fn write(&mut self, count: u32) {
        self.complete();
        let text: Vec<String> =
            (0..count).map(|_| format!("line {:09}\n", self.number())).collect();
        self.writer.write_all(text.concat().as_bytes()).unwrap();
    }

    fn complete(&mut self) {
        if self.half.take().is_some() {
            self.writer.write_all(b"th half\n").unwrap();
        }
    }

    fn half(&mut self) {
        self.complete();
        // What is read of a file must differ from other files, or nobody can tell them apart.
        let number = self.number();
        self.half = Some(number);
        self.writer.write_all(format!("line {number:09} wi").as_bytes()).unwrap();
    }

    fn new_life(&mut self) -> usize {
        self.lives.push(Life::default());
        self.lives.len() - 1
    }

    fn name(&self, n: u32) -> PathBuf {
        PathBuf::from(format!("{}.{n}", self.log.display()))
    }

    fn shift(&self) {
        for n in (1..40).rev() {
            let _ = fs::rename(self.name(n), self.name(n + 1));
        }
    }

    fn reopen(&mut self) {
        self.complete();
        self.writer = OpenOptions::new().append(true).create(true).open(&self.log).unwrap();
        self.writing = self.at_path;
    }

    fn rename(&mut self) {
        self.reopen();
        self.shift();
        fs::rename(&self.log, self.name(1)).unwrap();
        File::create(&self.log).unwrap();
        self.file += 1;
        self.at_path = self.new_life();
    }

    fn truncate(&mut self, copy: bool) {
        self.reopen();
        if copy {
            self.shift();
            fs::copy(&self.log, self.name(1)).unwrap();
        } else {
            self.lose_unread();
        }
        OpenOptions::new().write(true).truncate(true).open(&self.log).unwrap();
        self.at_path = self.new_life();
        self.writing = self.at_path;
    }

    /// What stands at the path and was not read cannot be read any more.
    fn lose_unread(&mut self) {
        let read: BTreeSet<u32> = self.read.iter().copied().collect();
        let life = &self.lives[self.at_path];
        let lost: Vec<u32> = life.lines.iter().copied().filter(|n| !read.contains(n)).collect();
        if life.seen {
            self.due.extend(&lost);
        }
        self.cut.extend(lost);
    }

    fn delete(&mut self) {
        self.reopen();
        // A file that the follower holds, or that it never saw, is another matter.
        if !self.held || self.known != Some(self.file) {
            self.lose_unread();
        }
        fs::remove_file(&self.log).unwrap();
        self.file += 1;
        self.at_path = self.new_life();
        self.reopen();
    }

    fn replace(&mut self) {
        self.reopen();
        if !self.held || self.known != Some(self.file) {
            self.lose_unread();
        }
        self.file += 1;
        let fresh = self.log.with_file_name("fresh");
        self.at_path = self.new_life();
        self.writer = OpenOptions::new().append(true).create(true).open(&fresh).unwrap();
        self.writing = self.at_path;
        self.write(2);
        fs::rename(&fresh, &self.log).unwrap();
    }

    fn read(&mut self) {
        let before = self.read.len();
        loop {
            let now = clock::now();
            let now = Moment { boot: Boot(now.boot.0 + self.ahead), ..now };
            let (read, gaps) = (&mut self.read, &mut self.gaps);
            let progress = self.follower.poll(now, &mut self.scratch, &mut |found| match found {
                Followed::Line(line) if line.whole => {
                    let text = std::str::from_utf8(line.bytes).unwrap();
                    read.push(text.split(' ').nth(1).unwrap().parse().unwrap());
                }
                Followed::Line(_) | Followed::Gap { .. } => *gaps += 1,
                Followed::Hole { bytes } => panic!("a hole of {bytes} bytes"),
            });
            if progress == Progress::Idle {
                break;
            }
        }
        self.held |= self.known != Some(self.file)
            || self.read[before..].iter().any(|n| self.lives[self.at_path].lines.contains(n));
        self.known = Some(self.file);
        let life = &mut self.lives[self.at_path];
        life.seen |= !life.lines.is_empty();
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Write(count) => self.write(count),
            Act::Half => self.half(),
            Act::Rename => self.rename(),
            Act::Reopen => self.reopen(),
            Act::CopyTruncate => self.truncate(true),
            Act::Truncate => self.truncate(false),
            Act::DeleteCreate => self.delete(),
            Act::Replace => self.replace(),
            Act::Pause => {
                self.reopen();
                self.ahead += 11_000_000;
            }
            Act::Read => self.read(),
            Act::GiveBack => {
                self.reopen();
                self.follower.give_back(&mut |_| ());
                self.held = false;
            }
        }
    }

    fn check(&self) -> TestCaseResult {
        let mut times = BTreeMap::new();
        for number in &self.read {
            *times.entry(*number).or_insert(0) += 1;
        }
        let doubled: Vec<_> = times.iter().filter(|(_, count)| **count > 1).collect();
        prop_assert!(doubled.is_empty(), "read twice: {doubled:?}");
        let lost: BTreeSet<u32> = (1..=self.next).filter(|n| !times.contains_key(n)).collect();
        let wrongly: Vec<_> = lost.difference(&self.cut).collect();
        prop_assert!(wrongly.is_empty(), "lost although they could be read: {wrongly:?}");
        let silent = !self.due.is_disjoint(&lost) && self.gaps == 0;
        prop_assert!(!silent, "lost in silence: {lost:?}");
        let position: BTreeMap<u32, usize> =
            self.read.iter().enumerate().map(|(at, number)| (*number, at)).collect();
        for life in &self.lives {
            let order: Vec<_> = life.lines.iter().filter_map(|n| position.get(n)).collect();
            prop_assert!(order.is_sorted(), "out of order: {:?}", life.lines);
        }
        Ok(())
    }
}

fn cases() -> u32 {
    std::env::var("GATEMEDIC_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(256)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_read_once_or_reported_lost(acts in proptest::collection::vec(act(), 1..32)) {
        let mut world = World::new();
        world.read();
        for act in acts {
            world.act(act);
        }
        world.reopen();
        for _ in 0..3 {
            world.read();
            world.ahead += 11_000_000;
        }
        world.check()?;
    }
}
