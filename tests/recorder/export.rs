//! `gatemedic record`: what is listed and handed on.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Output},
};

use gatemedic::{
    host::recordings::Limits,
    observation::Text,
    session::recording::{Deed, Entry},
};
use serde_json::Value;

use crate::ground::{end, event, incident, line, read, recorder, seen};

fn record(state: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatemedic"));
    command.arg("record").args(arguments).arg("--state").arg(state).output().unwrap()
}

fn session(state: &Path, name: &str) {
    let mut recorder = recorder(state, Limits::default());
    for observation in incident(name) {
        recorder.event(&event(observation));
    }
    recorder.event(&event(line(10, "token [redacted:0a1b2c3d] again [redacted:0a1b2c3d]")));
    recorder.deed(Deed::Lost { why: Text::from("it is gone") });
    end(recorder).unwrap().unwrap();
}

#[test]
fn what_is_kept_is_listed_and_one_file_of_it_can_be_handed_on() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let empty = record(&state, &["--list"]);
    assert!(empty.status.success() && empty.stdout.is_empty(), "{empty:?}");
    session(&state, "app-frozen");
    let list = record(&state, &["--list", "-o", "json"]);
    let row: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!((&row["state"], &row["lost"]), (&Value::from("ended"), &Value::from(0)));
    let text = String::from_utf8(record(&state, &["--list"]).stdout).unwrap();
    assert!(text.starts_with("NAME") && text.contains("ended"), "{text}");

    let out = place.path().join("out.gmr");
    let out_name = out.to_str().unwrap();
    let done = record(&state, &["--export", "latest", "--to", out_name]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(fs::metadata(&out).unwrap().mode() & 0o777, 0o600);
    let (entries, damage) = read(&fs::read(&out).unwrap());
    assert!(damage.is_none());
    assert!(entries.iter().any(|e| matches!(e, Entry::Deed { .. })));
    let observations = incident("app-frozen");
    assert_eq!(seen(&entries).len(), observations.len() + 1);
    let marks = format!("{entries:?}");
    assert!(!marks.contains("0a1b2c3d"), "marks are made anew for each copy");

    let again = record(&state, &["--export", "latest", "--to", out_name]);
    assert_eq!(again.status.code(), Some(74), "nothing is written over");
    let link = place.path().join("link");
    std::os::unix::fs::symlink(place.path().join("victim"), &link).unwrap();
    let through = record(&state, &["--export", "latest", "--to", link.to_str().unwrap()]);
    assert_eq!(through.status.code(), Some(74));
    assert!(!place.path().join("victim").exists());
    let none = record(&state, &["--export", "20200101T000000Z-1", "--to", "/tmp/x/y"]);
    assert_eq!(none.status.code(), Some(3), "{none:?}");
}

#[test]
fn a_copy_as_lines_is_a_recording_too_and_the_hosts_name_can_be_left_out() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    session(&state, "app-frozen");
    let out = place.path().join("out.jsonl");
    let name = out.to_str().unwrap();
    let done = record(&state, &["--export", "--to", name, "-o", "json", "--hide-host"]);
    assert!(done.status.success(), "{done:?}");
    let bytes = fs::read(&out).unwrap();
    assert!(bytes.starts_with(b"{\"composed\":false,\"recording\":"), "{:.80?}", &bytes[..80]);
    let (entries, damage) = read(&bytes);
    assert!(damage.is_none());
    assert_eq!(seen(&entries).len(), incident("app-frozen").len() + 1);
    let Entry::Begin(header) = &entries[0] else { panic!("no head") };
    assert!(header.host.is_empty() && header.gatemedic.raw() == env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_copy_from_a_time_on_begins_with_what_held_then() {
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    session(&state, "app-frozen");
    let (later, never) = (place.path().join("later.gmr"), place.path().join("never.gmr"));
    let export = |out: &Path, since: &str| {
        let out = out.to_str().unwrap();
        let done = record(&state, &["--export", "--to", out, "--since", since]);
        assert!(done.status.success(), "{done:?}");
        seen(&read(&fs::read(out).unwrap()).0)
    };
    let all = export(&never, "2000-01-01 00:00");
    let states = export(&later, "-1m");
    assert!(!states.is_empty() && states.len() < all.len(), "{} of {}", states.len(), all.len());
}

#[test]
fn what_is_no_recording_is_refused_without_a_word_of_what_is_in_it() {
    let place = tempfile::tempdir().unwrap();
    let secret = place.path().join("secret");
    fs::write(&secret, "root:CANARY:0:0\n").unwrap();
    let out = place.path().join("out");
    for (file, expected) in [
        (secret.to_str().unwrap(), "it is not a recording"),
        ("/dev/zero", "it is not a regular file"),
        (place.path().to_str().unwrap(), "it is not a regular file"),
    ] {
        let done = record(place.path(), &["--export", file, "--to", out.to_str().unwrap()]);
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(77));
        assert!(said.contains(expected) && !said.contains("CANARY"), "{said}");
        assert!(!out.exists(), "no half is left behind");
    }
}

#[test]
fn recording_without_a_screen_ends_by_itself_and_writes_over_nothing() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("here.gmr");
    let name = file.to_str().unwrap();
    let done = record(place.path(), &[name, "--for", "1s"]);
    assert!(done.status.success(), "{done:?}");
    let (entries, damage) = read(&fs::read(&file).unwrap());
    assert!(damage.is_none());
    assert!(matches!(entries.last(), Some(Entry::End { .. })));
    assert!(seen(&entries).len() > 1, "something was seen");
    assert_eq!(record(place.path(), &[name, "--for", "1s"]).status.code(), Some(74));
    assert!(!place.path().join("recordings").exists());
}
