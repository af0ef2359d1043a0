//! The same recorded events give the same bytes; evidence that is taken away takes confidence
//! with it.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::LazyLock};

use gatemedic::{
    diagnosis::{Confidence, words::CauseText},
    observation::{BlindSpot, Observation, Seen, SourceId, Text},
    report,
    session::{Event, Knowledge, Model, update},
};
use proptest::prelude::*;
use serde_json::Value;

use super::world::{Backend, NGINX, World, document, free_port, list, run, skip, validator};

fn events(text: &str) -> Vec<Observation> {
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn fold<'a>(observations: impl IntoIterator<Item = &'a Observation>) -> Model {
    let knowledge = Knowledge::embedded();
    let mut model = Model::new();
    for observation in observations {
        update(&mut model, &Event::Seen(Box::new(observation.clone())), knowledge);
    }
    update(&mut model, &Event::Settle, knowledge);
    model
}

fn bytes(model: &Model) -> String {
    let document = report::json::document(&model.diagnosis, &model.offers, "web1", &[]);
    serde_json::to_string_pretty(&document).unwrap()
}

type Incident = (String, Vec<Observation>);

/// Every incident that the project keeps.
fn incidents() -> &'static [Incident] {
    static ALL: LazyLock<Vec<Incident>> = LazyLock::new(read_incidents);
    &ALL
}

fn read_incidents() -> Vec<Incident> {
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
    let mut told = report::json::document(
        &once.diagnosis,
        &once.offers,
        lived["host"]["name"].as_str().unwrap(),
        &SourceId::ALL
            .into_iter()
            .filter(|id| list(&lived, "incomplete").contains(&Value::from(id.as_str())))
            .collect::<Vec<_>>(),
    );
    report::triage::add(&mut told, once.case.triage.as_deref());
    assert_eq!(told, lived);
}

#[test]
fn every_incident_is_told_within_the_schema_and_its_remedies_name_their_subject() {
    let validator = validator();
    let mut repairs = 0;
    for (name, events) in incidents() {
        let model = fold(events);
        let document = report::json::document(&model.diagnosis, &model.offers, "web1", &[]);
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path)).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        for remedy in list(&document, "findings").iter().flat_map(|f| list(f, "remedies")) {
            repairs += 1;
            let subject = remedy["action"].as_object().unwrap();
            assert_eq!(subject.len(), 2, "{name}: {remedy}");
            let words = [&remedy["command"], &remedy["then"]].map(ToString::to_string).concat();
            let shell = [";", "|", "$(", "`", "&&"];
            assert!(!shell.iter().any(|sign| words.contains(sign)), "{name}: {words}");
        }
    }
    assert!(repairs > 0 || incidents().is_empty());
}

/// What does not hold of a diagnosis on whatever is left of the evidence, when `blind` are the
/// sources that say that they see nothing.
fn flaws(name: &str, left: &[Observation], blind: &BTreeSet<SourceId>) -> Vec<String> {
    let diagnosis = fold(left).diagnosis;
    let mut flaws = Vec::new();
    for finding in diagnosis.findings.iter().chain(&diagnosis.recovered) {
        let mut flaw = |what: &str| {
            let sure = finding.confidence.as_str();
            flaws.push(format!("{name} without {blind:?}: {sure} {}: {what}", finding.cause));
        };
        if finding.evidence.is_empty() {
            flaw("it has no evidence");
        }
        let deciders = CauseText::get(finding.cause).map(|words| &words.deciding_sources);
        let undecided = deciders
            .is_none_or(|all| !all.is_empty() && all.iter().all(|source| blind.contains(source)));
        if undecided && finding.confidence != Confidence::Possible {
            flaw("everything that decides it is out of sight");
        }
        let settled = finding.confidence == Confidence::Confirmed || !finding.current;
        if !settled && finding.next_check.is_none() && finding.missing.is_empty() {
            flaw("nothing would change its mind");
        }
    }
    flaws
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
        let diagnosis = fold(&without(events, &all)).diagnosis;
        assert!(diagnosis.findings.is_empty(), "{name}: {:#?}", diagnosis.findings);
        assert_eq!(diagnosis.status.exit_code(), 3, "{name}");
    }
    assert_eq!(fold(&[]).diagnosis.status.exit_code(), 3);
}

#[test]
fn evidence_that_is_taken_away_takes_confidence_with_it() {
    let incidents = incidents();
    if incidents.is_empty() {
        skip!("no incident is recorded in tests/incidents");
    }
    let mut found = Vec::new();
    for (name, events) in incidents {
        for source in SourceId::ALL {
            let gone = BTreeSet::from([source]);
            found.extend(flaws(name, &without(events, &gone), &gone));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
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
            let (name, events) = pick.get(incidents);
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
            let found = flaws(name, &left, &blind);
            prop_assert!(found.is_empty(), "{found:#?}");
        }
    }
}
