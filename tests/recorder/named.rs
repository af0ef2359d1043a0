//! Which recording a word names: the same one for every verb, with the same exit where there is none.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use gatemedic::host::recordings::Limits;

use crate::ground::{end, event, file_of, files, incident, recorder};

/// The verbs that read a recording, on one that is called so.
fn each(state: &Path, name: &str) -> [Output; 3] {
    let copy = state.parent().unwrap().join("copy.gmr");
    let verbs: [&[&str]; 3] = [
        &["replay", name, "-o", "json"],
        &["report", name, "-o", "json"],
        &["record", "--export", name, "--to", copy.to_str().unwrap()],
    ];
    let done = verbs.map(|words| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatemedic"));
        command.arg("--state").arg(state).args(words).env("TZ", "UTC").stdin(Stdio::null());
        command.output().unwrap()
    });
    let _ = fs::remove_file(copy);
    done
}

/// How all of them end, and what they say.
fn ends(state: &Path, name: &str) -> (i32, String) {
    let all = each(state, name);
    let notes = all.each_ref().map(|done| String::from_utf8_lossy(&done.stderr).into_owned());
    let codes = all.each_ref().map(|done| done.status.code().unwrap());
    assert!(codes.iter().all(|code| *code == codes[0]), "{name}: {codes:?} {notes:#?}");
    assert!(notes.iter().all(|note| *note == notes[0]), "{name}: {notes:#?}");
    assert!(all.iter().all(|done| done.stdout.is_empty()), "{name}: {all:?}");
    assert_eq!(notes[0].lines().count(), 1, "{name}: {notes:?}");
    (codes[0], notes[0].clone())
}

#[test]
fn what_cannot_be_read_ends_every_verb_alike_and_in_one_line() {
    let place = tempfile::tempdir().unwrap();
    let (state, at) = (place.path().join("state"), |name: &str| {
        place.path().join(name).to_str().unwrap().to_owned()
    });
    // Before anything was recorded, and after.
    for name in ["latest", "20200101T000000Z-1", &at("missing")] {
        assert!(matches!(ends(&state, name), (3, said) if said.contains("no such recording")));
    }
    end(recorder(&state, Limits::default())).unwrap().unwrap();
    assert_eq!(ends(&state, "20200101T000000Z-1").0, 3);
    assert_eq!(ends(&state, &at("missing")).0, 3);

    fs::write(at("secret"), "root:CANARY:0:0\n").unwrap();
    let mut newer = file_of(&incident("app-frozen"));
    newer[4] = 9;
    let sum = crc32c::crc32c(&newer[4..28]);
    newer[28..32].copy_from_slice(&sum.to_le_bytes());
    fs::write(at("newer"), newer).unwrap();
    fs::File::create(at("sparse")).unwrap().set_len(2 << 30).unwrap();
    for (name, words) in [
        (&*at("secret"), "not a recording"),
        (&at("newer"), "newer gatemedic"),
        (&at("sparse"), "mostly empty"),
        (&at(""), "not a regular file"),
        ("/dev/zero", "not a regular file"),
    ] {
        let (code, said) = ends(&state, name);
        assert!(code == 77 && said.contains(words) && !said.contains("CANARY"), "{code} {said}");
    }
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::symlink(at("newer"), at("link")).unwrap();
        assert!(matches!(ends(&state, &at("link")), (77, said) if said.contains("symbolic link")));
    }
}

#[test]
fn a_file_a_name_and_latest_lead_every_verb_to_the_same_recording() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let mut recorder = recorder(&state, Limits::default());
    for observation in incident("app-frozen") {
        recorder.event(&event(observation));
    }
    end(recorder).unwrap().unwrap();
    let file = files(&state)[0].clone();
    let name = file.file_stem().unwrap().to_str().unwrap().strip_suffix("-000").unwrap();
    let told = |name: &str| each(&state, name).map(|done| (done.status.code(), done.stdout.len()));
    let there = told(file.to_str().unwrap());
    assert_eq!(there[1].0, Some(0), "{:?}", each(&state, file.to_str().unwrap()));
    assert!(there[0].1 > 100 && there[1].1 > 100, "{there:?}");
    let codes = |all: [(Option<i32>, usize); 3]| all.map(|(code, _)| code);
    for word in [name, "latest"] {
        assert_eq!(codes(told(word)), codes(there), "{word}");
    }
}

#[test]
fn every_verb_reads_a_recording_from_stdin() {
    let place = tempfile::tempdir().unwrap();
    let (state, file) = (place.path().join("state"), place.path().join("tape.gmr"));
    fs::write(&file, file_of(&incident("app-frozen"))).unwrap();
    let copy = place.path().join("copy.gmr");
    let verbs: [&[&str]; 3] = [
        &["replay", "-", "-o", "json"],
        &["report", "-", "--until", "2100-01-01 00:00"],
        &["record", "--export", "-", "--to", copy.to_str().unwrap()],
    ];
    for words in verbs {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatemedic"));
        command.arg("--state").arg(&state).args(words).stdin(fs::File::open(&file).unwrap());
        let done = command.output().unwrap();
        assert!((0..=3).contains(&done.status.code().unwrap()), "{words:?}: {done:?}");
        assert!(!done.stdout.is_empty() || copy.exists(), "{words:?}: {done:?}");
    }
}
