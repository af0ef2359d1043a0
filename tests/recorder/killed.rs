//! C01, C12: processes that are killed while they record, and several at once.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use gatemedic::{
    host::recordings::Limits,
    observation::Seen,
    session::recording::{Deed, Entry},
};

use crate::ground::{bytes, end, event, files, line, read, recorder, seen, sessions};

const ROLE: &str = "GATEMEDIC_TEST_RECORDS";
const COUNT: &str = "GATEMEDIC_TEST_RECORDS_COUNT";

/// The other process: it is this test again, and records until it is killed or has recorded so many.
/// It says a number when the records up to it were handed over together with a deed, which is
/// written at once.
#[test]
fn child_that_records() {
    let Some(state) = std::env::var_os(ROLE) else { return };
    let count = std::env::var(COUNT).ok().and_then(|count| count.parse().ok());
    let mut recorder = recorder(Path::new(&state), Limits::default());
    for number in 0..count.unwrap_or(u64::MAX) {
        recorder.event(&event(line(number / 1_000, &format!("line {number:09}"))));
        if number % 16 == 15 {
            recorder.deed(Deed::Confirm);
            println!("\nnumber {number}");
            std::thread::yield_now();
        }
    }
    drop(end(recorder));
}

fn child(state: &Path, count: Option<u64>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["killed::child_that_records", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, state).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(count) = count {
        command.env(COUNT, count.to_string());
    }
    command.spawn().unwrap()
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    let text = |seen: Seen| match seen {
        Seen::Log(line) => line.text.raw().strip_prefix("line ")?.parse().ok(),
        _ => None,
    };
    seen(entries).into_iter().filter_map(|observation| text(observation.seen)).collect()
}

#[test]
fn of_200_killed_sessions_every_complete_record_is_readable() {
    let place = tempfile::tempdir().unwrap();
    let mut recorded = 0;
    for round in 0..200 {
        let state = place.path().join(round.to_string());
        let mut child = child(&state, None);
        // Killed at another point each time: after a few records or many, within a write or not.
        let least = 500 + 331 * (round % 23);
        while bytes(&state) < least {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for bytes in sessions(&state) {
            let (entries, damage) = read(&bytes);
            assert!(damage.records <= 1, "round {round}: {damage:?}");
            assert!(damage.records == 0 || damage.torn, "round {round}: {damage:?}");
            let numbers = numbers(&entries);
            assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "round {round}");
            assert!(!entries.iter().any(|entry| matches!(entry, Entry::End { .. })));
            recorded += numbers.len();
        }
    }
    assert!(recorded > 1_000, "{recorded} lines were on disk");
}

#[test]
fn a_session_after_a_killed_one_begins_a_file_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let mut first = child(&state, None);
    let mut said = BufReader::new(first.stdout.take().unwrap()).lines();
    while said.next().is_some_and(|line| !line.unwrap().starts_with("number ")) {}
    first.kill().unwrap();
    first.wait().unwrap();
    let before = files(&state);
    let kept: Vec<Vec<u8>> = before.iter().map(|file| fs::read(file).unwrap()).collect();
    child(&state, Some(100)).wait().unwrap();
    assert_eq!(files(&state).len(), before.len() + 1);
    let after: Vec<Vec<u8>> = before.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(kept == after, "nothing is put behind what a dead process wrote");
}

#[test]
fn two_processes_that_record_1000_lines_each_never_mix_them() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let mut both = [child(&state, Some(1_000)), child(&state, Some(1_000))];
    for child in &mut both {
        let mut all = String::new();
        std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut all).unwrap();
        assert!(child.wait().unwrap().success());
    }
    let all = sessions(&state);
    assert_eq!(all.len(), 2);
    for bytes in all {
        let (entries, damage) = read(&bytes);
        assert!(damage.is_none());
        assert!(numbers(&entries).into_iter().eq(0..1_000));
        assert!(matches!(entries.last(), Some(Entry::End { why, .. }) if why.raw() == "left"));
    }
    for file in files(&state) {
        assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(state.join("recordings")).unwrap().mode() & 0o777, 0o700);
    assert!(bytes(&state) > 0);
}
