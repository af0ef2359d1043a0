//! Files that are no recordings.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{Tape, headless, said, tapes};

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
    for name in ["shadow", "json", "empty", "lines", "sparse", "fifo", "missing"] {
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
