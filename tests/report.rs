//! The post-mortem: of recorded incidents as Markdown, and as a page in a real browser.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and reads its own files"
)]

#[path = "report/browser.rs"]
mod browser;
#[path = "report/story.rs"]
mod story;

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use gatemedic::report::postmortem::{PostMortem, Retelling, Subject, assemble, html, markdown};
use gatemedic::session::{impact::Reach, recording::Reader};
use jiff::tz::TimeZone;

fn incident(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents").join(name).join("events.jsonl")
}

/// The post-mortem of a recorded incident.
fn told(name: &str) -> PostMortem {
    let mut reader = Reader::new();
    let mut retelling = Retelling::new(None);
    reader.feed(&fs::read(incident(name)).unwrap());
    reader.finish();
    while let Some(entry) = reader.next() {
        retelling.take(entry);
    }
    let told = retelling.finish(reader.damage());
    assemble(&Subject {
        case: &told.model.case,
        diagnosis: &told.model.diagnosis,
        height: told.height.as_ref(),
        deeds: &told.deeds,
        deeds_unread: told.deeds_unread(),
        host: "web1",
        zone: &TimeZone::fixed(jiff::tz::offset(1)),
        source: "a recorded incident",
        reach: Reach::default(),
        looked: told.looked(),
        lost: &told.lost,
        remembered: None,
    })
}

#[test]
fn a_dead_service_is_told_from_the_headline_to_the_line_to_add() {
    insta::assert_snapshot!(markdown(&told("app-killed-not-restarted"), false));
}

#[test]
fn an_address_that_moved_is_told() {
    insta::assert_snapshot!(markdown(&told("container-stale-ip"), false));
}

#[test]
fn a_repaired_incident_is_told_with_who_repaired_it() {
    insta::assert_snapshot!(markdown(&story::repaired(), true));
}

#[test]
fn the_same_recording_gives_the_same_bytes_in_every_form() {
    let once = || {
        let report = told("oom-cgroup-unit");
        let json = serde_json::to_string(&report).unwrap();
        (markdown(&report, false), html(&report), json)
    };
    assert_eq!(once(), once());
}

#[test]
fn every_recorded_incident_has_a_post_mortem_that_names_its_cause() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
    for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if !incident(&name).is_file() {
            continue;
        }
        let expected: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let text = markdown(&told(&name), false);
        let named = expected["cause"].as_str().filter(|cause| *cause != "-");
        if let Some(causes) = named {
            let any = causes.split('|').any(|cause| text.contains(&format!("`{cause}`")));
            assert!(any, "{name}: {causes} is not in\n{text}");
        }
        assert!(text.contains("## Appendix"), "{name}");
    }
}

fn report(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatemedic"));
    command.arg("report").args(arguments).env("LANG", "C.UTF-8").env("TZ", "UTC");
    command.output().unwrap()
}

#[test]
fn a_file_is_new_and_for_its_owner_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.html");
    let (file, recording) = (file.to_str().unwrap(), incident("oom-cgroup-unit"));
    let recording = recording.to_str().unwrap();
    let first = report(&[recording, "-o", "html", "--to", file]);
    assert!(first.status.success() && first.stdout.is_empty(), "{first:?}");
    assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
    let written = fs::read_to_string(file).unwrap();
    assert!(written.starts_with("<!DOCTYPE html>") && written.contains("oom-cgroup-unit"));
    let second = report(&[recording, "--to", file]);
    assert_eq!(second.status.code(), Some(74));
    assert_eq!(fs::read_to_string(file).unwrap(), written);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("target"), &link).unwrap();
    let through = report(&[recording, "--to", link.to_str().unwrap()]);
    assert_eq!(through.status.code(), Some(74));
    assert!(!folder.path().join("target").exists());
}

#[test]
fn a_file_in_the_place_of_a_format_is_refused_in_a_sentence() {
    let recording = incident("oom-cgroup-unit");
    let confused = report(&[recording.to_str().unwrap(), "--output", "out.html"]);
    let said = String::from_utf8_lossy(&confused.stderr).into_owned();
    assert_eq!((confused.status.code(), confused.stdout.len()), (Some(64), 0), "{said}");
    assert!(said.contains("markdown, html, json") && said.lines().count() == 1, "{said}");
    assert!(!Path::new("out.html").exists());
    let late = report(&[recording.to_str().unwrap(), "--since", "teatime"]);
    assert_eq!(late.status.code(), Some(64));
}

#[test]
fn what_is_kept_goes_by_its_name_and_what_is_not_kept_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let kept = state.join("recordings");
    let state = state.to_str().unwrap();
    let none = report(&["--state", state, "latest"]);
    assert_eq!((none.status.code(), none.stdout.len()), (Some(3), 0), "{none:?}");
    let forgotten = report(&["--state", state, "--incident", "7"]);
    assert_eq!((forgotten.status.code(), forgotten.stdout.len()), (Some(3), 0), "{forgotten:?}");
    fs::create_dir_all(&kept).unwrap();
    for path in [&kept, &folder.path().join("state")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }
    fs::copy(incident("oom-cgroup-unit"), kept.join("20261121T033000Z-7-000.gmr")).unwrap();
    for name in ["latest", "20261121T033000Z-7"] {
        let told = report(&["--state", state, name]);
        let text = String::from_utf8_lossy(&told.stdout);
        assert!(told.status.success() && text.contains("`oom-cgroup-unit`"), "{told:?}");
        assert!(text.contains(&format!("from the recording {name}")), "{text}");
    }
}
