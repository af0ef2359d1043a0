//! Files that are no recordings.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
};

use super::{GATEMEDIC, Tape, headless, said, tapes};

/// The one line of a refusal.
fn refused(file: &Path) -> String {
    let output = headless(file, &[]);
    let (out, notes) = said(&output);
    assert_eq!(output.status.code(), Some(77), "{}: {out}{notes}", file.display());
    assert!(out.is_empty() && notes.lines().count() == 1, "{out}{notes}");
    notes
}

#[test]
fn what_is_no_recording_is_refused_in_one_line_that_tells_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let secret = "root:$6$secretsalt$hashhashhash:19000:0:99999:7:::\n";
    fs::write(at("shadow"), secret.repeat(3)).unwrap();
    fs::write(at("json"), format!("{{\"schema\":\"{}\"}}\n", secret.trim())).unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::write(at("lines"), "{\"schema\":\"something.else/1\"}\n{}\n").unwrap();
    fs::File::create(at("sparse")).unwrap().set_len(2 << 30).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    for name in ["shadow", "json", "empty", "lines", "sparse", "fifo"] {
        let note = refused(&at(name));
        assert!(!note.contains("secretsalt") && !note.contains("something"), "{note}");
    }
    for path in [dir.path(), Path::new("/dev/zero"), Path::new("/dev/full")] {
        refused(path);
    }
}

#[test]
fn root_follows_no_link_to_a_recording() {
    let tape = Tape::of(&tapes::repaired());
    let link = tape.folder.path().join("link");
    symlink(tape.path(), &link).unwrap();
    if rustix::process::geteuid().is_root() {
        assert!(refused(&link).contains("symbolic link"));
    } else {
        assert!(headless(&link, &["-o", "json"]).stdout.starts_with(b"{"));
    }
}

#[test]
fn without_a_name_what_is_kept_is_listed_and_the_latest_is_taken_by_that_word() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("recordings");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let bytes = tapes::framed(&tapes::repaired()).concat();
    for name in ["20261120T010203Z-7-000.gmr", "20261121T033016Z-9-000.gmr"] {
        fs::write(folder.join(name), &bytes).unwrap();
    }
    let run = |words: &[&str]| {
        let mut command = Command::new(GATEMEDIC);
        command.arg("--state").arg(state.path()).arg("replay").args(words);
        command.env("TZ", "UTC").stdin(Stdio::null()).output().unwrap()
    };
    let (list, _) = said(&run(&[]));
    assert!(list.contains("20261120T010203Z-7") && list.contains("20261121T033016Z-9"), "{list}");
    let tape = Tape::bytes(&bytes);
    let there = headless(&tape.path(), &["-o", "json"]);
    for name in ["latest", "20261120T010203Z-7"] {
        assert_eq!(run(&[name, "-o", "json"]).stdout, there.stdout, "{name}");
    }
    let output = run(&["20300101T000000Z-1"]);
    assert!(output.stdout.is_empty() && said(&output).1.contains("no such recording"));
}

#[test]
fn a_recording_of_a_newer_version_is_refused_politely() {
    let mut bytes = tapes::framed(&[]).concat();
    // The head of a frame: magic, version, …, and at its end a checksum over all but the magic.
    bytes[4] = 9;
    let sum = crc32c::crc32c(&bytes[4..28]);
    bytes[28..32].copy_from_slice(&sum.to_le_bytes());
    let tape = Tape::bytes(&bytes);
    assert!(refused(&tape.path()).contains("newer gatemedic"));
}

#[test]
fn a_recording_that_claims_to_reach_to_the_end_of_time_can_be_looked_at() {
    let mut all = tapes::repaired();
    if let Some(gatemedic::session::recording::Entry::Seen(seen)) = all.last_mut() {
        seen.at.wall.0 = i64::MAX;
        seen.at.boot.0 = u64::MAX;
    }
    let tape = Tape::of(&all);
    for at in ["start", "first-failure", "end", "14:00"] {
        let code = headless(&tape.path(), &["--at", at, "-o", "json"]).status.code();
        assert!((0..=3).contains(&code.unwrap()), "{at}: {code:?}");
    }
}
