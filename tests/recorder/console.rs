//! Which sessions record themselves.

use std::fs;

use gatemedic::session::recording::{Entry, How};

use crate::{
    ground::{files, read, seen},
    pty::Pty,
};

fn console(arguments: &[&str]) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let mut all = vec!["--state", state.to_str().unwrap()];
    all.extend(arguments);
    let mut pty = Pty::start(env!("CARGO_BIN_EXE_gatemedic"), &all);
    pty.until_frame();
    pty.send(b"q");
    pty.until_exit();
    place
}

#[test]
fn a_console_that_may_act_records_itself_from_its_first_look_to_its_end() {
    let place = console(&[]);
    let all = files(&place.path().join("state"));
    assert_eq!(all.len(), 1, "{all:?}");
    let (entries, damage) = read(&fs::read(&all[0]).unwrap());
    assert!(damage.is_none());
    let Some(Entry::Begin(header)) = entries.first() else { panic!("no head") };
    assert!(header.acts && header.how == How::Console && !header.boot_id.is_empty());
    assert!(matches!(entries.last(), Some(Entry::End { why, .. }) if why.raw() == "left"));
    assert!(seen(&entries).len() < 100_000);
}

#[test]
fn a_session_that_only_looks_or_was_told_not_to_leaves_no_recording() {
    for arguments in [&["--readonly"][..], &["--no-record"]] {
        let place = console(arguments);
        assert!(!place.path().join("state/recordings").exists(), "{arguments:?}");
    }
}
