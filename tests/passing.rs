//! What passes by on the way: every recorded incident is folded one observation at a time, as a
//! console folds it, and at no step may a wrong cause be called confirmed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may fail loudly and reads its own files"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use gatemedic::{
    diagnosis::{Confidence, Finding},
    observation::Observation,
    session::{Event, Knowledge, Model, update},
};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
    let mut all: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("events.jsonl").is_file())
        .collect();
    all.sort();
    all
}

fn events(folder: &Path) -> Vec<Observation> {
    let text = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    let parse = |line| {
        serde_json::from_str(line)
            .unwrap_or_else(|e| panic!("{}: {e}: {line:.200}", folder.display()))
    };
    text.lines().skip(1).map(parse).collect()
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

#[test]
fn no_wrong_cause_is_confirmed_on_the_way() {
    let mut wrong = Vec::new();
    for folder in folders() {
        let passed = fold(&events(&folder));
        let strangers = passed.strangers();
        let folder = folder.file_name().unwrap().to_string_lossy().into_owned();
        if passed.first.len() > 2 {
            println!("{folder}: {:?}", passed.first);
        }
        if !strangers.is_empty() {
            wrong.push(format!("{folder}: {strangers:?}, in the end {:?}", passed.named));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn looks_at_tapes() {
    let Ok(dir) = std::env::var("TAPES") else { return };
    let mut all: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    for path in all {
        let mut reader = gatemedic::session::recording::Reader::new();
        reader.feed(&fs::read(&path).unwrap());
        reader.finish();
        let mut events = Vec::new();
        while let Some(entry) = reader.next() {
            if let gatemedic::session::recording::Entry::Seen(seen) = entry {
                events.push(*seen);
            }
        }
        let passed = fold(&events);
        println!("== {} ({} events)", path.display(), events.len());
        for one in &passed.first {
            println!("   {:>6} ms {:>4} steps  {}", one.1, one.2, one.0);
        }
        println!("   STRANGERS {:?}", passed.strangers());
    }
}
