//! What is offered for every recorded incident: the repair of its root cause, or why there is none.
#![allow(
    clippy::format_push_string,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "a test may fail loudly and may read its own files"
)]

use std::{fs, path::Path};

use gatemedic::{
    observation::Observation,
    session::{Event, Knowledge, Model, update},
};

fn replay(folder: &Path) -> Model {
    let text = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    let mut model = Model::new();
    for line in text.lines().skip(1) {
        let seen: Observation = serde_json::from_str(line).unwrap();
        update(&mut model, &Event::Seen(Box::new(seen)), Knowledge::embedded());
    }
    update(&mut model, &Event::Settle, Knowledge::embedded());
    model
}

#[test]
fn every_recorded_incident_is_offered_its_repair_or_told_why_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
    let mut folders: Vec<_> = fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    let mut told = String::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let model = replay(folder);
        let name = folder.file_name().unwrap().to_string_lossy();
        told += &format!("{name}\n");
        let Some(offer) = model.offers.first() else {
            told += "  nothing found\n";
            continue;
        };
        for plan in &offer.plans {
            told += &format!("  {} [{}]: {}\n", plan.remedy, plan.short(), plan.words());
            for promise in plan.expect.words() {
                told += &format!("    promises {promise}\n");
            }
            if !plan.blast.sites.is_empty() {
                told += &format!("    interrupts {}\n", plan.blast.sites.join(", "));
            }
        }
        if let Some(refusal) = &offer.refusal {
            told += &format!("  refused: {}\n", refusal.why);
        }
    }
    insta::assert_snapshot!("offers", told);
}
