//! Incidents that cannot be had from a lab: a made-up host, written down as a recording.
//!
//! `GATEMEDIC_BLESS=1 cargo test --lib` writes them anew; without it they are compared.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use super::{Confidence, FindingSubject, testing::Host};
use crate::observation::Observation;

impl Host {
    /// The incident of this name in `tests/incidents/`: what this host's sources say is what stands
    /// there, its root cause is `cause` with that confidence, and its subject matches the pattern,
    /// such as `shop\.service`.
    pub(crate) fn incident_of(&self, folder: &str, cause: &str, sure: Confidence, subject: &str) {
        let found = self.root(cause);
        assert_eq!(found.confidence, sure, "{}", found.summary);
        speaks_of(&found.subject, subject);
        let expected = json!({
            "cause": cause,
            "subject": subject,
            "confidence": sure.as_str(),
            "status": self.diagnose().status.as_str(),
        });
        self.compare(folder, &expected);
    }

    /// As [`Host::incident_of`], of the incident that has the cause's own name.
    pub(crate) fn incident(&self, cause: &str, sure: Confidence, subject: &str) {
        self.incident_of(cause, cause, sure, subject);
    }

    /// An incident that is over: nothing holds any more, and the cause is told as recovered.
    pub(crate) fn incident_recovered(&self, cause: &str, subject: &str) {
        let diagnosis = self.diagnose();
        assert!(diagnosis.findings.is_empty(), "{:#?}", diagnosis.findings);
        let found = diagnosis.recovered.iter().find(|f| f.cause == cause);
        speaks_of(&found.expect("it is told as recovered").subject, subject);
        let expected = json!({ "recovered": cause, "status": diagnosis.status.as_str() });
        self.compare(cause, &expected);
    }

    fn compare(&self, folder: &str, expected: &Value) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents").join(folder);
        let (events, expectation) = (root.join("events.jsonl"), root.join("expected.json"));
        if std::env::var_os("GATEMEDIC_BLESS").is_some() {
            fs::create_dir_all(&root).expect("a folder");
            fs::write(&events, recording(&self.observations())).expect("its events");
            fs::write(&expectation, format!("{expected:#}\n")).expect("what is expected");
        }
        let again = "run GATEMEDIC_BLESS=1 cargo test --lib to write the incident anew";
        let text = fs::read_to_string(&events).unwrap_or_default();
        let read = |line| serde_json::from_str::<Observation>(line).ok();
        let stands: Vec<Option<Observation>> = text.lines().skip(1).map(read).collect();
        let says: Vec<_> = self.observations().into_iter().map(Some).collect();
        assert!(stands == says, "{}: {again}", events.display());
        let text = fs::read_to_string(&expectation).unwrap_or_default();
        let stands = serde_json::from_str::<Value>(&text).ok();
        assert_eq!(stands.as_ref(), Some(expected), "{}: {again}", expectation.display());
    }
}

fn speaks_of(subject: &FindingSubject, pattern: &str) {
    let said = format!("{subject:?}");
    let matches = regex::Regex::new(pattern).expect("a pattern").is_match(&said);
    assert!(matches, "{pattern} is not in {said}");
}

fn recording(observations: &[Observation]) -> String {
    let mut text = "{\"schema\":\"gatemedic.events/1\",\"composed\":true}\n".to_owned();
    for observation in observations {
        let line = serde_json::to_string(observation).expect("an observation");
        writeln!(text, "{line}").expect("a line");
    }
    text
}
