//! C06: the cap, and disks that are full or cannot be written to.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use gatemedic::{
    engine::recorder::Recorder,
    host::recordings::{Limits, Store},
    observation::{Boot, MemorySample, Observation, Seen, SourceId},
    session::recording::{Deed, Entry},
};

use crate::ground::{at, bytes, end, event, files, line, read, recorder, seen, sessions};

fn limits(bytes: u64, part: u64) -> Limits {
    Limits { bytes, part, age: Duration::from_hours(24), reserve: 0 }
}

/// Waits until the recorder says something of itself.
fn until(
    recorder: &Recorder,
    what: impl Fn(&Result<String, String>) -> bool,
) -> Result<String, String> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match recorder.status() {
            Some(status) if what(&status) => return status,
            other => assert!(Instant::now() < end, "still {other:?}"),
        }
        std::thread::yield_now();
    }
}

/// Text that hardly packs.
fn noise(seed: u64, length: usize) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..length).map(|_| random.alphanumeric()).collect()
}

#[test]
fn all_recordings_together_never_take_more_than_they_may_and_the_oldest_go_first() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let cap = limits(1 << 20, 128 << 10);
    let mut names = Vec::new();
    for session in 0..3_u64 {
        let mut recorder = recorder(&state, cap);
        // A state that is seen once must be in every part.
        let sample = MemorySample { total: 1 << 33, available: session, ..Default::default() };
        let seen = Seen::Memory(sample);
        recorder.event(&event(Observation { at: at(0), source: SourceId::Pressure, seen }));
        for number in 0..400 {
            let text = noise(session * 1_000 + number, 4_000);
            recorder.event(&event(line(number, &text)));
            if number % 8 == 0 {
                recorder.deed(Deed::Confirm);
            }
            assert!(bytes(&state) <= cap.bytes, "{} in session {session}", bytes(&state));
        }
        end(recorder).unwrap().unwrap();
        assert!(bytes(&state) <= cap.bytes, "{}", bytes(&state));
        names.push(Store::open(&state).unwrap().kept().unwrap()[0].name.clone());
    }
    let kept = Store::open(&state).unwrap().kept().unwrap();
    assert!(kept[0].parts.len() > 1, "{kept:?}");
    for part in files(&state) {
        let (entries, damage) = read(&fs::read(part).unwrap());
        assert!(damage.is_none());
        let holds =
            |entry: &Entry| matches!(entry, Entry::Seen(s) if matches!(s.seen, Seen::Memory(_)));
        assert!(entries.iter().any(holds), "each part holds what holds");
    }
    let newest = read(&sessions(&state)[0]).0;
    assert!(matches!(newest.last(), Some(Entry::End { .. })), "the current one is kept whole");
}

#[test]
fn the_end_is_the_last_that_is_kept_wherever_a_part_becomes_full() {
    for lines in 15..40_u64 {
        let place = tempfile::tempdir().unwrap();
        let state = place.path().join("state");
        let mut recorder = recorder(&state, limits(1 << 20, 128 << 10));
        let sample = MemorySample { total: 1 << 33, ..Default::default() };
        let seen = Seen::Memory(sample);
        recorder.event(&event(Observation { at: at(0), source: SourceId::Pressure, seen }));
        for number in 0..lines {
            recorder.event(&event(line(number, &noise(number, 4_000))));
        }
        end(recorder).unwrap().unwrap();
        let kept = read(&sessions(&state)[0]).0;
        assert!(matches!(kept.last(), Some(Entry::End { .. })), "{lines}: {:?}", kept.last());
    }
}

#[test]
fn sessions_of_one_moment_and_process_keep_their_parts_apart_when_the_oldest_go() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::make(&place.path().join("state")).unwrap();
    let cap = limits(1 << 20, 64 << 10);
    let begin = |session: &str, part| store.begin(session, part, &cap).unwrap();
    let old = begin("20260101T000000Z-7", 0);
    drop((begin(old.session(), 1), begin(old.session(), 2)));
    let new = begin("20260101T000000Z-7", 0);
    assert_ne!(old.session(), new.session());
    fs::remove_file(old.path()).unwrap();
    fs::remove_file(old.path().with_file_name("20260101T000000Z-7-001.gmr")).unwrap();
    let further = begin(new.session(), 1);
    assert_eq!(further.session(), new.session());
    let third = begin("20260101T000000Z-7", 0);
    assert!(third.session() != old.session() && third.session() != new.session());
    let kept: Vec<usize> = store.kept().unwrap().iter().map(|kept| kept.parts.len()).collect();
    assert_eq!(kept, [1, 2, 1]);
}

#[test]
fn what_is_older_than_its_days_goes_and_what_is_being_written_stays() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let old = recorder(&state, limits(8 << 20, 1 << 20));
    old.deed(Deed::Confirm);
    until(&old, Result::is_ok).unwrap();
    let held = files(&state).remove(0);
    let gone = state.join("recordings/20200101T000000Z-1-000.gmr");
    fs::write(&gone, fs::read(&held).unwrap()).unwrap();
    let stranger = state.join("recordings/notes.txt");
    fs::write(&stranger, "not ours").unwrap();
    let before = SystemTime::now() - Duration::from_hours(48);
    for file in [&held, &gone, &stranger] {
        fs::File::options().append(true).open(file).unwrap().set_modified(before).unwrap();
    }
    let new = recorder(&state, limits(8 << 20, 1 << 20));
    new.deed(Deed::Confirm);
    until(&new, Result::is_ok).unwrap();
    assert!(!gone.exists() && held.exists() && stranger.exists());
    end(new).unwrap().unwrap();
    end(old).unwrap().unwrap();
}

#[test]
fn sessions_that_fill_the_cap_together_leave_a_further_one_waiting_and_say_why() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let cap = limits(1 << 20, 512 << 10);
    let both = [recorder(&state, cap), recorder(&state, cap)];
    for one in &both {
        until(one, Result::is_ok).unwrap();
    }
    let third = recorder(&state, cap);
    let why = until(&third, Result::is_err).unwrap_err();
    assert!(why.contains("other sessions"), "{why}");
    for one in both {
        end(one).unwrap().unwrap();
    }
    until(&third, Result::is_ok).unwrap();
    third.deed(Deed::Keep);
    end(third);
    let kept = sessions(&state).into_iter().map(|bytes| read(&bytes).0);
    let with_deed =
        |all: &Vec<Entry>| all.iter().any(|e| matches!(e, Entry::Deed { deed: Deed::Keep, .. }));
    assert!(kept.collect::<Vec<_>>().iter().any(with_deed));
}

#[test]
fn a_part_that_cannot_be_begun_leaves_nothing_that_pushes_out_what_is_kept() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let cap = limits(256 << 10, 32 << 10);
    let old = recorder(&state, cap);
    old.deed(Deed::Confirm);
    end(old).unwrap().unwrap();
    let kept = files(&state);
    let mut new = recorder(&state, cap);
    // A line that no part holds.
    new.event(&event(line(1, &noise(7, 60_000))));
    let why = until(&new, Result::is_err).unwrap_err();
    assert!(why.contains("does not fit"), "{why}");
    let left = files(&state);
    assert!(
        left.len() <= kept.len() + 1 && kept.iter().all(|file| left.contains(file)),
        "{left:?}"
    );
    assert!(left.iter().all(|file| fs::metadata(file).unwrap().len() <= cap.part), "{left:?}");
}

/// A small file system of its own; `None` where none can be had.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(path: &'a Path, size: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let options = format!("size={size},mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "none"]).arg(path);
        let done = mount.output().is_ok_and(|output| output.status.success());
        if !done {
            eprintln!("skipped: no tmpfs can be mounted here");
        }
        done.then_some(Self(path))
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        let done = Command::new("mount").args(["-o", &options]).arg(self.0).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_pauses_the_recording_says_so_and_it_goes_on_when_there_is_room() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("small");
    let Some(_small) = Small::mount(&state, "256k") else { return };
    let ballast = state.join("ballast");
    let mut recorder = recorder(&state, limits(64 << 20, 8 << 20));
    until(&recorder, Result::is_ok).unwrap();
    fs::write(&ballast, vec![0; 64 << 10]).unwrap();
    let mut number = 0;
    while !matches!(recorder.status(), Some(Err(_))) {
        recorder.event(&event(line(number / 100, &noise(number, 4_000))));
        recorder.deed(Deed::Confirm);
        number += 1;
        assert!(number < 1_000_000, "it never fills");
    }
    let why = recorder.status().unwrap().unwrap_err();
    assert!(why.contains("No space left"), "{why}");
    // What happens meanwhile is not forgotten, but for the lines.
    let sample = MemorySample { total: 7, available: 3, ..Default::default() };
    let seen_at =
        Observation { at: at(50_000), source: SourceId::Pressure, seen: Seen::Memory(sample) };
    recorder.event(&event(seen_at.clone()));
    recorder.event(&event(line(50_001, "during the pause")));
    fs::remove_file(&ballast).unwrap();
    for file in files(&state) {
        let (_, damage) = read(&fs::read(&file).unwrap());
        assert!(damage.is_none(), "whole records only: {damage:?}");
        fs::remove_file(file).unwrap();
    }
    until(&recorder, Result::is_ok).unwrap();
    end(recorder).unwrap().unwrap();
    let (entries, damage) = read(&sessions(&state)[0]);
    assert!(damage.is_none());
    let all = seen(&entries);
    assert!(all.contains(&seen_at), "a state is kept over the pause");
    let gap = all.iter().find_map(|o| match &o.seen {
        Seen::Gap(gap) => Some(gap.clone()),
        _ => None,
    });
    let gap = gap.expect("a gap says what is missing");
    assert!(gap.lines >= 1 && gap.why.raw().contains("No space left"), "{gap:?}");
}

#[test]
fn a_disk_that_cannot_be_written_to_is_told_and_nothing_fails() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("small");
    let Some(small) = Small::mount(&state, "4m") else { return };
    small.remount("ro");
    let mut recorder = recorder(&state, limits(2 << 20, 1 << 20));
    let why = until(&recorder, Result::is_err).unwrap_err();
    assert!(why.contains("Read-only"), "{why}");
    recorder.event(&event(line(1, "x")));
    small.remount("rw");
    recorder.deed(Deed::Confirm);
    end(recorder).unwrap().unwrap();
    let (entries, _) = read(&sessions(&state)[0]);
    assert!(entries.iter().any(|e| matches!(e, Entry::Deed { .. })));
    assert_eq!(at(0).boot, Boot(0));
}

#[test]
fn a_folder_that_is_a_link_or_that_others_can_write_to_is_not_used() {
    let place = tempfile::tempdir().unwrap();
    let (state, victim) = (place.path().join("state"), place.path().join("victim"));
    fs::create_dir_all(&state).unwrap();
    fs::create_dir_all(&victim).unwrap();
    std::os::unix::fs::symlink(&victim, state.join("recordings")).unwrap();
    let recorder = recorder(&state, limits(2 << 20, 1 << 20));
    let why = until(&recorder, Result::is_err).unwrap_err();
    assert!(why.contains("only we can write"), "{why}");
    drop(end(recorder));
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
}
