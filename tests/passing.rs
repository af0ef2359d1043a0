//! What passes by on the way: recorded incidents and sessions are folded one observation at a time and
//! diagnosed after each, and at no step may a wrong cause be called confirmed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may fail loudly and reads its own files"
)]

#[path = "fixtures/incidents.rs"]
mod recorded;

use std::{collections::BTreeMap, fs, path::Path};

use gatemedic::{
    diagnosis::{Confidence, Finding},
    observation::Observation,
    session::{
        Event, Knowledge, Model,
        recording::{Entry, Reader},
        update,
    },
};

use recorded::{events, folders};

/// Whether an incident was put together by hand: its order is nobody's.
fn is_composed(folder: &Path) -> bool {
    let text = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    text.lines().next().unwrap().contains("\"composed\":true")
}

fn name(finding: &Finding) -> String {
    format!("{} {}", finding.cause, finding.confidence.as_str())
}

/// What stood first and what was called confirmed, with the steps at which it began and how many it
/// lasted.
#[derive(Debug, Default)]
struct Passed {
    first: Vec<(String, u64, usize)>,
    confirmed: BTreeMap<String, (u64, usize)>,
    /// Causes that the last diagnosis names, also as explained by another.
    named: Vec<String>,
}

/// Folds observations one at a time and diagnoses after each; times are milliseconds since the first.
fn fold(events: &[Observation]) -> Passed {
    let knowledge = Knowledge::embedded();
    let mut model = Model::new();
    let mut passed = Passed::default();
    let began = events.first().map_or(0, |event| event.at.boot.0);
    for observation in events {
        update(&mut model, &Event::Seen(Box::new(observation.clone())), knowledge);
        update(&mut model, &Event::Settle, knowledge);
        let at = observation.at.boot.0.saturating_sub(began) / 1_000;
        let top = model.diagnosis.findings.first().map(name).unwrap_or_default();
        match passed.first.last_mut() {
            Some((last, _, steps)) if *last == top => *steps += 1,
            _ => passed.first.push((top, at, 1)),
        }
        for finding in &model.diagnosis.findings {
            if finding.confidence == Confidence::Confirmed {
                let entry = passed.confirmed.entry(finding.cause.to_owned()).or_insert((at, 0));
                entry.1 += 1;
            }
        }
    }
    for finding in model.diagnosis.findings.iter().chain(&model.diagnosis.recovered) {
        passed.named.push(finding.cause.to_owned());
        passed.named.extend(finding.explains.iter().map(|cause| (*cause).to_owned()));
    }
    passed
}

impl Passed {
    /// What was called confirmed and is not named at the end.
    fn strangers(&self) -> Vec<String> {
        let strange = self.confirmed.iter().filter(|(cause, _)| !self.named.contains(cause));
        strange.map(|(cause, (at, steps))| format!("{cause} at {at} ms, {steps} steps")).collect()
    }
}

/// What a tape says was seen.
fn tape(path: &Path) -> Vec<Observation> {
    let mut reader = Reader::new();
    reader.feed(&fs::read(path).unwrap());
    reader.finish();
    let mut events = Vec::new();
    while let Some(entry) = reader.next() {
        if let Entry::Seen(seen) = entry {
            events.push(*seen);
        }
    }
    events
}

#[test]
fn no_wrong_cause_is_confirmed_on_the_way_to_the_first_diagnosis() {
    let mut wrong = Vec::new();
    for folder in folders().iter().filter(|folder| !is_composed(folder)) {
        let passed = fold(&events(folder));
        let strangers = passed.strangers();
        if !strangers.is_empty() {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            wrong.push(format!("{name}: {strangers:?}, in the end {:?}", passed.named));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Sessions that ran for seconds before something happened to a healthy host, and what may stand
/// first in them. Each was recorded with `gatemedic record` under steady requests.
const SESSIONS: [(&str, &[&str]); 6] = [
    ("unit-killed", &["app-killed-not-restarted"]),
    ("unit-killed-and-restarted", &["app-unit-stopped", "app-restart-loop", "app-boot-window"]),
    ("unit-restarted", &["app-boot-window"]),
    ("gateway-reloaded", &[]),
    ("program-killed", &["app-killed-not-restarted"]),
    ("program-stopped", &["app-stopped-by-operator"]),
];

#[test]
fn while_a_host_breaks_nothing_but_its_cause_stands_first() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sessions");
    let mut wrong = Vec::new();
    for (name, may_pass) in SESSIONS {
        let passed = fold(&tape(&folder.join(format!("{name}.gmr"))));
        let told = passed.first.iter().filter(|(top, ..)| !top.is_empty());
        let strange: Vec<_> = told
            .filter(|(top, ..)| !may_pass.iter().any(|cause| top.starts_with(&format!("{cause} "))))
            .collect();
        if !strange.is_empty() {
            wrong.push(format!("{name}: {strange:?} of {:?}", passed.first));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Prints what stands first in time in the tapes of a folder: `TAPES=FOLDER`.
#[test]
#[ignore = "a tool: shows what passes by in recordings of one's own"]
fn shows_what_passes_by() {
    let mut all: Vec<_> =
        fs::read_dir(std::env::var("TAPES").unwrap()).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    for path in all {
        let passed = fold(&tape(&path));
        println!("{}", path.display());
        for (top, at, steps) in &passed.first {
            println!("  {at:>6} ms {steps:>4} steps  {top}");
        }
        println!("  confirmed, and not named in the end: {:?}", passed.strangers());
    }
}
