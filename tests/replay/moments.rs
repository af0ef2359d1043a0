//! What was known at a moment, without a screen.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use gatemedic::{
    report,
    session::{
        Event, Knowledge, Model,
        replay::{Ask, Reel, Tape as Bytes},
        update,
    },
};
use serde_json::Value;

use super::{GATEMEDIC, Tape, headless, said, tapes};

fn incidents() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
    let mut all: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("events.jsonl").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    all.sort();
    all
}

fn document(model: &Model) -> String {
    let document = report::json::document(&model.diagnosis, &model.offers, "web1", &[]);
    serde_json::to_string_pretty(&document).unwrap()
}

fn replayed(bytes: Vec<u8>) -> String {
    let knowledge = Knowledge::embedded();
    let (mut reel, mut model) = (Reel::new(Bytes::whole(bytes)), Model::of_recording());
    reel.read_all(knowledge);
    // There and back: the way does not matter.
    reel.ask(&mut model, Ask::End, knowledge);
    reel.ask(&mut model, Ask::Start, knowledge);
    reel.ask(&mut model, Ask::End, knowledge);
    document(&model)
}

#[test]
fn every_recorded_incident_gives_the_bytes_that_a_plain_fold_gives_and_gives_them_twice() {
    let knowledge = Knowledge::embedded();
    let all = incidents();
    assert!(all.len() > 100);
    for name in all {
        let mut plain = Model::new();
        for seen in tapes::incident(&name) {
            update(&mut plain, &Event::Seen(Box::new(seen)), knowledge);
        }
        update(&mut plain, &Event::Settle, knowledge);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
        let bytes = fs::read(folder.join(&name).join("events.jsonl")).unwrap();
        let once = replayed(bytes.clone());
        assert!(once == document(&plain), "{name}");
        assert!(once == replayed(bytes), "{name}");
    }
}

#[test]
fn the_same_bytes_give_the_same_json_and_its_exit_code_is_the_state_of_then() {
    let tape = Tape::of(&tapes::repaired());
    for at in ["start", "first-failure", "03:30:40", "-10s", "end"] {
        let run = || headless(&tape.path(), &["--at", at, "-o", "json"]);
        let (one, other) = (run(), run());
        assert_eq!(one.stdout, other.stdout, "{at}");
        let told: Value = serde_json::from_slice(&one.stdout).unwrap();
        let code = ["healthy", "degraded", "failing", "unknown"]
            .iter()
            .position(|status| told["status"] == *status);
        assert_eq!(one.status.code(), code.map(|code| i32::try_from(code).unwrap()), "{at}");
        assert_eq!(told["host"]["name"], "web7");
        assert_eq!(told["replay"]["records_lost"], 0);
    }
    let start = headless(&tape.path(), &["--at", "start", "-o", "json"]);
    let told: Value = serde_json::from_slice(&start.stdout).unwrap();
    assert!(told["findings"].as_array().unwrap().is_empty(), "nothing was known yet");
    let end = headless(&tape.path(), &["-o", "json"]);
    let told: Value = serde_json::from_slice(&end.stdout).unwrap();
    let known =
        told["findings"].as_array().unwrap().iter().chain(told["recovered"].as_array().unwrap());
    assert!(known.into_iter().any(|finding| finding["cause"] == "oom-cgroup-unit"), "{told:#}");
}

#[test]
fn the_json_of_a_replay_is_within_the_schema() {
    let schema = include_str!("../../assets/schema/diagnosis-1.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let tape = Tape::of(&tapes::repaired());
    for at in ["start", "end"] {
        let told = headless(&tape.path(), &["--at", at, "-o", "json"]);
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&told).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

#[test]
fn a_report_says_first_that_it_is_of_a_recording_and_of_which_moment() {
    let tape = Tape::of(&tapes::repaired());
    let (report, notes) = said(&headless(&tape.path(), &["--at", "03:30:50"]));
    let mut lines = report.lines();
    assert_eq!(
        lines.next(),
        Some("REPLAY of a recording of web7, begun 2026-11-21 03:30:16 +00:00"),
        "{report}"
    );
    assert_eq!(
        lines.next(),
        Some("as it stood at 2026-11-21 03:30:50 +00:00, by the rules of today")
    );
    assert!(notes.is_empty(), "{notes}");
}

#[test]
fn a_recording_comes_through_a_pipe_as_well() {
    let bytes = tapes::framed(&tapes::repaired()).concat();
    let mut child = Command::new(GATEMEDIC)
        .args(["replay", "-", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let piped = child.wait_with_output().unwrap();
    let tape = Tape::bytes(&bytes);
    assert_eq!(piped.stdout, headless(&tape.path(), &["-o", "json"]).stdout);
}

#[test]
fn where_nothing_failed_there_is_no_first_failure_to_go_to() {
    let healthy = tapes::stretched("control-healthy", 100);
    let tape = Tape::of(&healthy);
    let output = headless(&tape.path(), &["--at", "first-failure", "-o", "json"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    assert!(said(&output).1.contains("no request is seen to fail"), "{}", said(&output).1);
}
