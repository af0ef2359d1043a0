//! `gatemedic triage` as people and scripts use it: files from somewhere, packed or broken, and a
//! real process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    reason = "a test may fail loudly, makes its own files and runs the program"
)]

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

const SCHEMA: &str = include_str!("../assets/schema/triage-1.json");

fn triage(arguments: &[&str], stdin: Option<&[u8]>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gatemedic"))
        .arg("triage")
        .args(arguments)
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    if let Some(bytes) = stdin {
        // A reader that has seen enough may close it.
        let _ = input.write_all(bytes);
    }
    drop(input);
    child.wait_with_output().unwrap()
}

fn document(arguments: &[&str], stdin: Option<&[u8]>) -> (Value, i32) {
    let mut all = vec!["-o", "json"];
    all.extend(arguments);
    let output = triage(&all, stdin);
    let text = String::from_utf8(output.stdout).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr))
    });
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator.validate(&document).unwrap_or_else(|error| panic!("{error}: {text}"));
    (document, output.status.code().unwrap())
}

fn line(second: u32, status: u16) -> String {
    format!(
        "10.0.0.9 - - [20/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET /order/{second}?a=b HTTP/1.1\" {status} 512 \"-\" \"curl/8\" upstream_addr=unix:/run/php/a.sock\n",
        10 + second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn incident(calm: u32, bad: u32) -> String {
    (0..calm + bad).map(|n| line(n, if n >= calm && n % 2 == 0 { 502 } else { 200 })).collect()
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

#[test]
fn a_log_and_its_older_generations_are_one_answer() {
    let folder = tempfile::tempdir().unwrap();
    let text = incident(3600, 600);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(folder.path().join("access.log.2.gz"), packed(lines[..1200].concat().as_bytes()))
        .unwrap();
    fs::write(folder.path().join("access.log.1"), lines[1200..2400].concat()).unwrap();
    fs::write(folder.path().join("access.log"), lines[2400..].concat()).unwrap();
    let log = path(folder.path(), "access.log");
    let (document, code) = document(&[&log], None);
    assert_eq!((document["status"].as_str(), code), (Some("failing"), 2));
    assert_eq!(document["requests"], 4200);
    assert_eq!(document["failures"], 300);
    assert_eq!(document["usual_per_minute"], 0);
    assert_eq!(document["episode"]["first"], "2026-11-20T11:00:00Z");
    assert_eq!(document["upstreams"]["top"][0]["name"], "unix:/run/php/a.sock");
    assert_eq!(document["urls"]["top"][0]["name"], "GET /order/:n");
    assert_eq!(document["logs"].as_array().unwrap().len(), 3);
    let alone = triage(&["--alone", &log], None);
    let text = String::from_utf8(alone.stdout).unwrap();
    assert!(text.starts_with("FAILING since 11:00:00, 300 requests failed"), "{text}");
    assert!(!text.contains("access.log.1"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn what_is_packed_may_come_from_a_pipe_and_may_end_early() {
    let text = incident(1200, 600);
    let whole = packed(text.as_bytes());
    let (document_of_pipe, _) = document(&["-"], Some(&whole));
    assert_eq!(document_of_pipe["failures"], 300);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cut.gz"), &whole[..whole.len() - 600]).unwrap();
    let (document, _) = document(&[&path(folder.path(), "cut.gz")], None);
    assert!(document["failures"].as_u64().unwrap() > 100, "{document}");
    let notes = document["notes"].to_string();
    assert!(notes.contains("the gzip ends early"), "{notes}");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| path(folder.path(), name);
    fs::write(at("a.log"), incident(1200, 60)).unwrap();
    fs::write(at("b.zst"), b"\x28\xb5\x2f\xfd\0\0\0\0").unwrap();
    fs::write(at("c.bin"), (0..9000_u32).map(|n| (n % 31) as u8).collect::<Vec<_>>()).unwrap();
    fs::write(at("d.log"), "").unwrap();
    let (document, code) =
        document(&[&at("a.log"), &at("b.zst"), &at("c.bin"), &at("d.log"), &at("none")], None);
    assert_eq!((document["failures"].as_u64(), code), (Some(30), 2));
    let said = format!("{}{}", document["notes"], document["not_read"]);
    for words in ["zstdcat", "c.bin: it is not text", "d.log: it is empty", "none: no such file"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn exit_codes_tell_the_state_at_the_end_of_the_logs() {
    let over = incident(1200, 600) + &(1800..3000).map(|n| line(n, 200)).collect::<String>();
    let calm: String = (0..1200).map(|n| line(n, 200)).collect();
    assert_eq!(document(&["-"], Some(over.as_bytes())).1, 1);
    assert_eq!(document(&["-"], Some(calm.as_bytes())).1, 0);
    assert_eq!(document(&["-"], Some(b"hello\n")).1, 3);
    assert_eq!(document(&["-"], Some(b"")).1, 3);
    assert_eq!(triage(&["--since", "yesterdayish", "-"], None).status.code(), Some(64));
    assert_eq!(triage(&["--zone", "Mars/Base", "-"], None).status.code(), Some(64));
}

#[test]
fn only_the_time_asked_for_counts() {
    let text = incident(3600, 600);
    let arguments = ["--since", "2026-11-20 11:02", "--until", "2026-11-20 11:05", "-"];
    let (document, _) = document(&arguments, Some(text.as_bytes()));
    assert_eq!(document["failures"], 91);
    let requests = document["requests"].as_u64().unwrap();
    assert!((100..=300).contains(&requests), "{requests}");
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let text = incident(1200, 60).replace("/run/php/a.sock", "/run/\u{1b}]0;x\u{7}\u{202e}a.sock");
    let output = triage(&["-"], Some(text.as_bytes()));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("unix:/run/"), "{text}");
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
}
