//! The same recorded events give the same bytes; evidence that is taken away takes confidence
//! with it.

use std::{collections::BTreeSet, fs, path::PathBuf};

use gatemedic::{
    diagnosis::{Confidence, Diagnosis, words::CauseText},
    observation::{BlindSpot, Observation, Seen, SourceId, Text},
    report,
    session::{Event, Knowledge, Model, update},
};
use proptest::prelude::*;
use serde_json::Value;

use super::world::{Backend, NGINX, World, document, free_port, list, run, skip};

fn events(text: &str) -> Vec<Observation> {
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn fold<'a>(observations: impl IntoIterator<Item = &'a Observation>) -> Diagnosis {
    let knowledge = Knowledge::embedded();
    let mut model = Model::new();
    for observation in observations {
        update(&mut model, &Event::Seen(Box::new(observation.clone())), knowledge);
    }
    update(&mut model, &Event::Settle, knowledge);
    model.diagnosis
}

fn bytes(diagnosis: &Diagnosis) -> String {
    let document = report::json::document(diagnosis, "web1", &[]);
    serde_json::to_string_pretty(&document).unwrap()
}

/// Every incident that the project keeps.
fn incidents() -> Vec<(String, Vec<Observation>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let text = fs::read_to_string(entry.path().join("events.jsonl")).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), events(&text)))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn a_recording_gives_the_same_answer_as_the_run_that_made_it() {
    let folder = World::folder();
    let file = folder.path("events.jsonl").display().to_string();
    let arguments = ["diagnose", "-o", "json", "--record", &file];
    let output = match World::new() {
        Ok(world) => {
            world.proxy_to(&[free_port(), Backend::start().port]);
            world.run(NGINX, &arguments)
        }
        Err(_) => run(&arguments),
    };
    let lived = document(&output);
    let recorded = events(&fs::read_to_string(&file).unwrap());
    let once = fold(&recorded);
    assert_eq!(bytes(&once), bytes(&fold(&recorded)));
    let told = report::json::document(
        &once,
        lived["host"]["name"].as_str().unwrap(),
        &SourceId::ALL
            .into_iter()
            .filter(|id| list(&lived, "incomplete").contains(&Value::from(id.as_str())))
            .collect::<Vec<_>>(),
    );
    assert_eq!(told, lived);
}

/// What must hold of a diagnosis on whatever is left of the evidence, when `blind` are the sources
/// that say that they see nothing.
fn judge(name: &str, left: &[Observation], blind: &BTreeSet<SourceId>) {
    let diagnosis = fold(left);
    assert_eq!(bytes(&diagnosis), bytes(&fold(left)), "{name} without {blind:?}");
    for finding in diagnosis.findings.iter().chain(&diagnosis.recovered) {
        let what = format!("{name} without {blind:?}: {finding:#?}");
        assert!(!finding.evidence.is_empty(), "{what}");
        let words = CauseText::get(finding.cause).unwrap_or_else(|| panic!("{what}"));
        let deciders = &words.deciding_sources;
        if !deciders.is_empty() && deciders.iter().all(|source| blind.contains(source)) {
            assert_eq!(finding.confidence, Confidence::Possible, "{what}");
        }
        assert!(
            finding.confidence == Confidence::Confirmed
                || finding.next_check.is_some()
                || !finding.missing.is_empty(),
            "nothing would change its mind: {what}"
        );
    }
}

/// The observations without those of some sources, which say instead that they are blind.
fn without(all: &[Observation], gone: &BTreeSet<SourceId>) -> Vec<Observation> {
    let Some(first) = all.first() else { return Vec::new() };
    let says = |source: &SourceId| Observation {
        at: first.at,
        source: *source,
        seen: Seen::Blind(BlindSpot {
            source: *source,
            what: Text::new("all"),
            why: Text::new("taken away"),
            hides: Text::new("everything"),
            grant: Text::new(""),
        }),
    };
    let kept = all.iter().filter(|seen| !gone.contains(&seen.source)).cloned();
    gone.iter().map(says).chain(kept).collect()
}

#[test]
fn without_any_evidence_nothing_is_named() {
    let all: BTreeSet<SourceId> = SourceId::ALL.into_iter().collect();
    for (name, events) in incidents() {
        let diagnosis = fold(&without(&events, &all));
        assert!(diagnosis.findings.is_empty(), "{name}: {:#?}", diagnosis.findings);
        assert_eq!(diagnosis.status.exit_code(), 3, "{name}");
    }
    assert_eq!(fold(&[]).status.exit_code(), 3);
}

#[test]
fn evidence_that_is_taken_away_takes_confidence_with_it() {
    let incidents = incidents();
    if incidents.is_empty() {
        skip!("no incident is recorded in tests/incidents");
    }
    for (name, events) in &incidents {
        for source in SourceId::ALL {
            let gone = BTreeSet::from([source]);
            judge(name, &without(events, &gone), &gone);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]
    #[test]
    fn any_part_of_an_incident_is_judged_without_a_panic_and_by_its_own_evidence(
        pick in any::<prop::sample::Index>(),
        gone in prop::sample::subsequence(SourceId::ALL.to_vec(), 0..SourceId::ALL.len()),
        holes in prop::collection::vec(any::<prop::sample::Index>(), 0..32),
    ) {
        let incidents = incidents();
        if !incidents.is_empty() {
            let (name, events) = pick.get(&incidents);
            let gone: BTreeSet<SourceId> = gone.into_iter().collect();
            let mut left = without(events, &gone);
            for hole in holes {
                if !left.is_empty() {
                    left.remove(hole.index(left.len()));
                }
            }
            let told = left.iter().filter_map(|seen| match &seen.seen {
                Seen::Blind(spot) => Some(spot.source),
                _ => None,
            });
            let blind: BTreeSet<SourceId> = told.filter(|source| gone.contains(source)).collect();
            judge(name, &left, &blind);
        }
    }
}
