//! Torture for the log follower: everything that happens to log files, without a sleep. Files
//! are real (the temporary directory), time is handed in.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::panic,
    clippy::allow_attributes,
    reason = "a test may fail loudly and may touch its own files"
)]

use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use gatemedic::{
    host::{clock, files::Root},
    observation::{Boot, Moment},
    source::log::{Backlog, Followed, Follower, LINE_LIMIT, Progress, Scratch, State},
};

/// A follower with everything that it gave.
struct Tail {
    follower: Follower,
    scratch: Scratch,
    ahead: u64,
    lines: Vec<String>,
    partial: Vec<String>,
    gaps: Vec<(u64, &'static str)>,
    holes: Vec<u64>,
    cut: Vec<u64>,
    polls: usize,
}

impl Tail {
    fn of(path: &Path) -> Self {
        Self::with(path, Backlog::ALL)
    }

    fn with(path: &Path, backlog: Backlog) -> Self {
        Self {
            follower: Follower::new(Root::default(), path, backlog),
            scratch: Scratch::default(),
            ahead: 0,
            lines: Vec::new(),
            partial: Vec::new(),
            gaps: Vec::new(),
            holes: Vec::new(),
            cut: Vec::new(),
            polls: 0,
        }
    }

    fn now(&self) -> Moment {
        let now = clock::now();
        Moment { boot: Boot(now.boot.0 + self.ahead), ..now }
    }

    fn once(&mut self) -> Progress {
        let now = self.now();
        self.polls += 1;
        let Self { follower, scratch, lines, partial, gaps, holes, cut, .. } = self;
        follower.poll(now, scratch, &mut |found| match found {
            Followed::Line(line) => {
                let text = String::from_utf8_lossy(line.bytes).into_owned();
                if line.cut > 0 {
                    cut.push(line.cut + line.bytes.len() as u64);
                }
                if line.whole { lines.push(text) } else { partial.push(text) }
            }
            Followed::Gap { bytes, why } => gaps.push((bytes, why)),
            Followed::Hole { bytes } => holes.push(bytes),
        })
    }

    fn poll(&mut self) -> &mut Self {
        while self.once() == Progress::More {}
        self
    }

    /// Lets time pass until rotated files are let go.
    fn later(&mut self, secs: u64) -> &mut Self {
        self.ahead += secs * 1_000_000;
        self.poll()
    }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn numbered(range: std::ops::Range<u32>) -> String {
    range.fold(String::new(), |all, n| all + &format!("line {n:09}\n"))
}

fn expected(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("line {n:09}")).collect()
}

/// Compares without printing thousands of lines.
fn same(lines: &[String], wanted: &[String]) {
    if let Some(at) =
        (0..lines.len().max(wanted.len())).find(|at| lines.get(*at) != wanted.get(*at))
    {
        let near = |all: &[String]| {
            all.iter().skip(at.saturating_sub(2)).take(6).cloned().collect::<Vec<_>>()
        };
        panic!(
            "differs at {at}: {} lines {:?}, wanted {} lines {:?}",
            lines.len(),
            near(lines),
            wanted.len(),
            near(wanted)
        );
    }
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("access.log");
    (dir, log)
}

/// Shifts `log.1` to `log.2` and so on, as logrotate does, and renames the log away.
fn rotate(log: &Path, keep: u32) {
    let name = |n: u32| PathBuf::from(format!("{}.{n}", log.display()));
    let _ = fs::remove_file(name(keep));
    for n in (1..keep).rev() {
        let _ = fs::rename(name(n), name(n + 1));
    }
    fs::rename(log, name(1)).unwrap();
}

#[test]
fn a_thousand_renames_lose_and_double_nothing() {
    let (_dir, log) = home();
    let mut tail = Tail::of(&log);
    let mut next = 0;
    for round in 0..1000 {
        append(&log, &numbered(next..next + 10));
        if round % 3 == 0 {
            tail.poll();
        }
        append(&log, &numbered(next + 10..next + 20));
        next += 20;
        rotate(&log, 5);
        if round % 4 == 0 {
            tail.ahead += 11_000_000;
            tail.poll();
        }
    }
    append(&log, "");
    tail.poll();
    same(&tail.lines, &expected(0..next));
    assert_eq!(tail.gaps, []);
    assert!(tail.follower.open_files() <= 17);
}

#[test]
fn a_worker_that_has_not_reopened_its_log_is_still_heard() {
    let (_dir, log) = home();
    let mut old = File::options().append(true).create(true).open(&log).unwrap();
    let mut tail = Tail::of(&log);
    old.write_all(b"one\n").unwrap();
    tail.poll();
    rotate(&log, 3);
    append(&log, "three\n");
    old.write_all(b"two\n").unwrap();
    tail.poll();
    assert_eq!(tail.lines, ["one", "two", "three"]);
    old.write_all(b"late\n").unwrap();
    tail.later(9).later(2);
    assert_eq!(tail.lines.last().unwrap(), "late");
    tail.later(11);
    assert_eq!(tail.follower.open_files(), 1);
}

#[test]
fn five_rotations_between_two_looks_are_all_read() {
    let (_dir, log) = home();
    append(&log, &numbered(0..10));
    let mut tail = Tail::of(&log);
    tail.poll();
    for n in 1..=5 {
        append(&log, &numbered(n * 10 - 5 + 5..n * 10 + 10));
        rotate(&log, 9);
    }
    append(&log, &numbered(60..70));
    tail.poll();
    same(&tail.lines, &expected(0..70));
    assert_eq!(tail.gaps, []);
}

fn copytruncate(log: &Path, n: u32) {
    fs::copy(log, format!("{}.{n}", log.display())).unwrap();
    OpenOptions::new().write(true).truncate(true).open(log).unwrap();
}

#[test]
fn copy_and_truncate_loses_nothing_when_nobody_wrote_in_between() {
    let (_dir, log) = home();
    let mut tail = Tail::of(&log);
    let mut next = 0;
    for round in 0..400 {
        append(&log, &numbered(next..next + 7));
        if round % 2 == 0 {
            tail.poll();
        }
        append(&log, &numbered(next + 7..next + 12));
        next += 12;
        for n in (1..4).rev() {
            let name = |n: u32| format!("{}.{n}", log.display());
            let _ = fs::rename(name(n), name(n + 1));
        }
        copytruncate(&log, 1);
        if round % 3 == 0 {
            append(&log, &numbered(next..next + 1));
            next += 1;
        }
        tail.later(11);
    }
    same(&tail.lines, &expected(0..next));
    assert!(tail.gaps.iter().all(|(bytes, _)| *bytes == 0), "{:?}", tail.gaps);
}

#[test]
fn lines_between_copy_and_cut_are_reported_as_lost() {
    let (_dir, log) = home();
    append(&log, &numbered(0..10));
    let mut tail = Tail::of(&log);
    tail.poll();
    append(&log, &numbered(10..20));
    fs::copy(&log, log.with_extension("log.1")).unwrap();
    append(&log, &numbered(20..25));
    OpenOptions::new().write(true).truncate(true).open(&log).unwrap();
    append(&log, &numbered(25..30));
    tail.poll();
    let wanted: Vec<String> = expected(0..20).into_iter().chain(expected(25..30)).collect();
    same(&tail.lines, &wanted);
    assert_eq!(tail.gaps.len(), 1);
}

#[test]
fn a_truncation_without_a_copy_is_a_gap() {
    let (_dir, log) = home();
    append(&log, &numbered(0..10));
    let mut tail = Tail::of(&log);
    tail.poll();
    append(&log, &numbered(10..12));
    File::create(&log).unwrap();
    tail.poll();
    assert_eq!(tail.gaps.len(), 1);
    append(&log, &numbered(12..14));
    tail.poll();
    assert_eq!(tail.lines.len(), 12);
    assert_eq!(tail.lines[10..], expected(12..14));
}

#[test]
fn a_truncated_log_that_grew_beyond_its_old_size_is_noticed() {
    let (_dir, log) = home();
    append(&log, &numbered(0..10));
    let mut tail = Tail::of(&log);
    tail.poll();
    fs::write(&log, numbered(100..200)).unwrap();
    tail.poll();
    let wanted: Vec<String> = expected(0..10).into_iter().chain(expected(100..200)).collect();
    same(&tail.lines, &wanted);
    assert_eq!(tail.gaps.len(), 1);
    // To the byte the same size, too.
    fs::write(&log, numbered(300..400)).unwrap();
    tail.poll();
    assert_eq!(tail.lines[110..], expected(300..400));
}

#[test]
fn an_inode_that_is_used_again_is_another_file() {
    let (_dir, log) = home();
    let head = "h".repeat(4096) + "\n";
    let mut tail = Tail::of(&log);
    let mut reused = 0;
    for n in 0..50 {
        fs::write(&log, format!("{head}{}", numbered(n..n + 1))).unwrap();
        let inode = fs::metadata(&log).unwrap().ino();
        tail.poll();
        // Without its descriptor the follower cannot keep the inode from being used again.
        let Tail { follower, .. } = &mut tail;
        follower.give_back(&mut |_| ());
        fs::remove_file(&log).unwrap();
        fs::write(&log, format!("{head}{}", numbered(1000 + n..1000 + n + 3))).unwrap();
        reused += u32::from(fs::metadata(&log).unwrap().ino() == inode);
        tail.poll();
        tail.follower.give_back(&mut |_| ());
        fs::remove_file(&log).unwrap();
    }
    let lines: Vec<&String> = tail.lines.iter().filter(|line| line.starts_with("line")).collect();
    assert_eq!(lines.len(), 200, "inodes used again: {reused}");
}

#[test]
fn a_hole_of_a_gigabyte_is_one_marker() {
    let (_dir, log) = home();
    let mut writer = File::create(&log).unwrap();
    writer.write_all(numbered(0..3).as_bytes()).unwrap();
    let mut tail = Tail::of(&log);
    tail.poll();
    // The writer keeps its position, as one that does not append.
    writer.set_len(0).unwrap();
    writer.seek(SeekFrom::Start(1 << 30)).unwrap();
    writer.write_all(numbered(3..5).as_bytes()).unwrap();
    let before = tail.polls;
    tail.poll();
    same(&tail.lines, &expected(0..5));
    assert_eq!(tail.holes, [1 << 30]);
    assert!(tail.polls - before < 5);
    writer.set_len(2 << 30).unwrap();
    tail.poll();
    writer.write_at(b"\nend\n", 2 << 30).unwrap();
    tail.poll();
    assert_eq!(tail.lines.last().unwrap(), "end");
}

#[test]
fn a_packed_rotation_is_not_taken_for_a_log() {
    let (_dir, log) = home();
    append(&log, &numbered(0..10));
    let mut tail = Tail::of(&log);
    tail.poll();
    append(&log, &numbered(10..20));
    fs::write(log.with_extension("log.1.gz"), b"\x1f\x8b\x08packed\nlines\n").unwrap();
    fs::remove_file(&log).unwrap();
    append(&log, &numbered(20..30));
    tail.poll();
    same(&tail.lines, &expected(0..30));
    assert_eq!(tail.gaps, []);
}

#[test]
fn a_half_line_is_never_glued_to_the_next_file() {
    let (_dir, log) = home();
    let mut old = File::options().append(true).create(true).open(&log).unwrap();
    old.write_all(b"whole\nhal").unwrap();
    let mut tail = Tail::of(&log);
    tail.poll();
    rotate(&log, 3);
    append(&log, "new\n");
    tail.poll();
    old.write_all(b"ves\nrest").unwrap();
    tail.poll();
    assert_eq!(tail.lines, ["whole", "new", "halves"]);
    tail.later(20).later(20);
    assert_eq!(tail.partial, ["rest"]);
}

#[test]
fn a_half_line_goes_on_in_the_copy() {
    let (_dir, log) = home();
    append(&log, "one\nha");
    let mut tail = Tail::of(&log);
    tail.poll();
    append(&log, "lf\n");
    copytruncate(&log, 1);
    append(&log, "two\n");
    tail.poll();
    assert_eq!(tail.lines, ["one", "half", "two"]);
}

#[test]
fn a_link_set_to_another_file_is_followed_after_the_old_is_drained() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("app-1.log"), dir.path().join("app-2.log"));
    let link = dir.path().join("current");
    append(&first, "a\n");
    symlink("app-1.log", &link).unwrap();
    let mut tail = Tail::of(&link);
    tail.poll();
    append(&first, "b\n");
    append(&second, "c\n");
    let fresh = dir.path().join("fresh");
    symlink("app-2.log", &fresh).unwrap();
    fs::rename(&fresh, &link).unwrap();
    tail.poll();
    assert_eq!(tail.lines, ["a", "b", "c"]);
}

#[test]
fn a_log_and_its_directory_may_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("nginx");
    let log = home.join("access.log");
    let mut tail = Tail::with(&log, Backlog { bytes: 0, secs: 0 });
    tail.poll();
    assert_eq!(*tail.follower.state(), State::Missing);
    fs::create_dir(&home).unwrap();
    append(&log, "first\n");
    tail.poll();
    assert_eq!(tail.lines, ["first"]);
    fs::rename(&home, dir.path().join("off")).unwrap();
    tail.poll();
    assert_eq!(*tail.follower.state(), State::Missing);
    append(&dir.path().join("off/access.log"), "meanwhile\n");
    fs::rename(dir.path().join("off"), &home).unwrap();
    append(&log, "back\n");
    tail.poll();
    assert_eq!(tail.lines, ["first", "meanwhile", "back"]);
    assert_eq!(*tail.follower.state(), State::Following);
}

#[test]
fn a_log_that_becomes_readable_is_read() {
    let (_dir, log) = home();
    append(&log, "secret\n");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o000)).unwrap();
    let mut tail = Tail::of(&log);
    tail.poll();
    if rustix::process::geteuid().is_root() {
        assert_eq!(tail.lines, ["secret"]);
        return;
    }
    assert_eq!(*tail.follower.state(), State::Denied);
    fs::set_permissions(&log, fs::Permissions::from_mode(0o644)).unwrap();
    tail.poll();
    assert_eq!(tail.lines, ["secret"]);
}

#[test]
fn an_endless_line_is_cut_and_counted() {
    let (_dir, log) = home();
    let mut writer = File::create(&log).unwrap();
    let mut tail = Tail::of(&log);
    let block = vec![b'a'; 1 << 20];
    for _ in 0..100 {
        writer.write_all(&block).unwrap();
        tail.poll();
    }
    writer.write_all(b"\nnext\n").unwrap();
    tail.poll();
    assert_eq!(tail.cut, [100 << 20]);
    assert_eq!(tail.lines[0].len(), LINE_LIMIT);
    assert_eq!(tail.lines[1], "next");
}

#[test]
fn a_backlog_of_many_megabytes_is_skipped_and_counted() {
    let (_dir, log) = home();
    append(&log, "start\n");
    let mut tail = Tail::of(&log);
    tail.poll();
    let block = "x".repeat(1023) + "\n";
    let mut writer = OpenOptions::new().append(true).open(&log).unwrap();
    for _ in 0..70 {
        writer.write_all(block.repeat(1024).as_bytes()).unwrap();
    }
    tail.poll();
    let read: u64 = tail.lines.iter().map(|line| line.len() as u64 + 1).sum();
    assert_eq!(tail.gaps.len(), 1);
    let whole = fs::metadata(&log).unwrap().len();
    assert!(whole - read - tail.gaps[0].0 <= 1024, "{read} read, {:?}", tail.gaps);
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo.log");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let socket = dir.path().join("socket.log");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [&fifo, &socket, dir.path(), Path::new("/dev/zero"), Path::new("/dev/null")] {
        let mut tail = Tail::of(path);
        tail.poll();
        assert!(matches!(tail.follower.state(), State::NotAFile(_)), "{path:?}");
        assert_eq!(tail.follower.open_files(), 0);
    }
    fs::remove_file(&fifo).unwrap();
    let mut tail = Tail::of(&fifo);
    tail.poll();
    append(&fifo, "now a file\n");
    tail.poll();
    assert_eq!(tail.lines, ["now a file"]);
}

#[test]
fn a_binary_file_is_not_parsed() {
    let mut tail = Tail::of(&std::env::current_exe().unwrap());
    tail.poll();
    assert_eq!(*tail.follower.state(), State::Binary);
    assert_eq!(tail.lines.len() + tail.partial.len(), 0);
    let (_dir, log) = home();
    let wide: Vec<u8> = "utf-16 is not parsed\n".repeat(9).bytes().flat_map(|b| [b, 0]).collect();
    fs::write(&log, wide).unwrap();
    let mut tail = Tail::of(&log);
    tail.poll();
    assert_eq!(*tail.follower.state(), State::Binary);
    // A proper log in its place is read again.
    rotate(&log, 3);
    append(&log, "text\n");
    tail.poll();
    assert_eq!(*tail.follower.state(), State::Following);
    assert_eq!(tail.lines, ["text"]);
}

#[test]
fn a_deleted_log_is_read_to_its_end_and_then_let_go() {
    let (_dir, log) = home();
    let mut writer = File::create(&log).unwrap();
    writer.write_all(b"one\n").unwrap();
    let mut tail = Tail::of(&log);
    tail.poll();
    writer.write_all(b"two\n").unwrap();
    fs::remove_file(&log).unwrap();
    tail.poll();
    writer.write_all(b"three\n").unwrap();
    tail.later(30);
    assert_eq!(tail.lines, ["one", "two", "three"]);
    tail.later(61);
    assert_eq!(tail.follower.open_files(), 0, "its disk space must come free");
    append(&log, "four\n");
    tail.poll();
    assert_eq!(tail.lines.last().unwrap(), "four");
}

#[test]
fn the_first_look_begins_at_a_line_near_the_end() {
    let (_dir, log) = home();
    append(&log, &numbered(0..1000));
    let mut tail = Tail::with(&log, Backlog { bytes: 100, secs: 900 });
    tail.poll();
    same(&tail.lines, &expected(994..1000));
    assert!(tail.follower.caught_up());
    let mut aligned = Tail::with(&log, Backlog { bytes: 150, secs: 900 });
    aligned.poll();
    assert_eq!(aligned.lines, expected(990..1000));
}

#[test]
fn a_renamed_log_is_found_again_without_its_descriptor() {
    let (_dir, log) = home();
    append(&log, &numbered(0..10));
    let mut tail = Tail::of(&log);
    tail.poll();
    tail.follower.give_back(&mut |_| ());
    assert_eq!(tail.follower.open_files(), 0);
    append(&log, &numbered(10..20));
    rotate(&log, 3);
    append(&log, &numbered(20..30));
    tail.poll();
    same(&tail.lines, &expected(0..30));
    assert_eq!(tail.gaps, []);
}

#[test]
fn five_thousand_logs_share_a_few_descriptors() {
    use gatemedic::{
        observation::{LogKind, LogTarget, Place, Program, Seen, Text},
        source::log::{OPEN_FILES, Pool},
    };
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> =
        (0..5000).map(|n| dir.path().join(format!("app-{n:04}x.log"))).collect();
    let targets: Vec<LogTarget> = paths
        .iter()
        .map(|path| LogTarget {
            gateway: None,
            path: Text::new(path.to_string_lossy()),
            root: Text::default(),
            kind: LogKind::Application(Program::Application),
            place: Place::default(),
        })
        .collect();
    for path in &paths {
        fs::write(path, "before\n").unwrap();
    }
    let mut pool = Pool::new(jiff::tz::TimeZone::UTC, Backlog::RECENT);
    let mut out = Vec::new();
    pool.follow(&targets, &mut out);
    let look = |pool: &mut Pool| {
        let mut out = Vec::new();
        for key in pool.all() {
            pool.poll(&key, clock::now(), &mut out);
            assert!(pool.open_files() <= OPEN_FILES);
        }
        out.iter().filter(|seen| matches!(seen, Seen::Log(_))).count()
    };
    assert_eq!(look(&mut pool), 5000);
    assert!(pool.caught_up());
    for path in &paths {
        append(path, "after\n");
    }
    assert_eq!(look(&mut pool), 5000);
    assert_eq!(look(&mut pool), 0);
    assert!(fs::read_dir("/proc/self/fd").unwrap().count() < OPEN_FILES + 200);
}
