//! Every folder of `tests/incidents` is an incident that happened (or was composed, and says so):
//! the events that the sources published, and what must be made of them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and reads its own files"
)]

#[path = "fixtures/incidents.rs"]
mod recorded;

use std::fs;

use gatemedic::{
    observation::{Observation, SourceId},
    report,
    session::{Event, Knowledge, Model, update},
};
use serde_json::Value;

use recorded::{events, folders};

fn replay<'a>(events: impl IntoIterator<Item = &'a Observation>) -> Model {
    let knowledge = Knowledge::embedded();
    let mut model = Model::new();
    for observation in events {
        update(&mut model, &Event::Seen(Box::new(observation.clone())), knowledge);
    }
    update(&mut model, &Event::Settle, knowledge);
    model
}

fn document(model: &Model) -> Value {
    report::json::document(&model.diagnosis, &model.offers, "web1", &[])
}

#[test]
fn every_incident_is_named_as_expected() {
    let mut wrong = Vec::new();
    for folder in folders() {
        let expected: Value =
            serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).unwrap())
                .unwrap();
        let found = document(&replay(&events(&folder)));
        let top = &found["findings"][0];
        let matches = |key: &str, found: &Value| {
            let Some(pattern) = expected[key].as_str() else { return found.is_null() };
            let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            match key {
                "subject" => regex::Regex::new(pattern).unwrap().is_match(&text),
                _ => {
                    pattern.split('|').any(|one| one == text) || (pattern == "-" && found.is_null())
                }
            }
        };
        let recovered = expected["recovered"].as_str().is_none_or(|cause| {
            let all = found["recovered"].as_array();
            all.is_some_and(|all| all.iter().any(|one| one["cause"] == cause))
        });
        let right = recovered
            && matches("cause", &top["cause"])
            && matches("status", &found["status"])
            && (top.is_null()
                || expected["cause"].is_null()
                || (matches("confidence", &top["confidence"])
                    && matches("subject", &top["subject"])));
        if !right {
            wrong.push(format!(
                "{}: expected {expected}, found {} and {top:#}",
                folder.display(),
                found["status"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_events_give_the_same_bytes() {
    for folder in folders() {
        let events = events(&folder);
        let once = document(&replay(&events)).to_string();
        assert_eq!(once, document(&replay(&events)).to_string(), "{}", folder.display());
    }
}

/// Taking a source away must never make a finding surer than it was with it: what is left may
/// name another cause, but an unseen kernel log must not confirm that there was no memory kill.
#[test]
fn a_blind_kernel_log_never_confirms_a_kill_by_hand() {
    for folder in folders() {
        let events = events(&folder);
        let blinded = events.iter().filter(|o| o.source != SourceId::Kernel);
        let mut left: Vec<Observation> = blinded.cloned().collect();
        let Some(first) = left.first().cloned() else { continue };
        left.push(Observation {
            at: first.at,
            source: SourceId::Kernel,
            seen: gatemedic::observation::Seen::Blind(gatemedic::observation::BlindSpot {
                source: SourceId::Kernel,
                what: "kernel log".into(),
                why: "permission denied".into(),
                hides: "memory kills".into(),
                grant: "".into(),
            }),
        });
        for finding in replay(&left).diagnosis.findings {
            let by_hand =
                ["app-killed-not-restarted", "app-worker-killed"].contains(&finding.cause);
            assert!(
                !by_hand || finding.confidence < gatemedic::diagnosis::Confidence::Confirmed,
                "{}: {}",
                folder.display(),
                finding.summary
            );
        }
    }
}
