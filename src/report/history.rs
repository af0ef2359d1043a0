//! The history of incidents, for people and for scripts.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    diagnosis::Diagnosis,
    observation::{Text, Wall},
    session::history::{History, Incident, Repair, lasted, outcome},
};

use super::page::{Ink, Layout, Page};

/// The schema's name.
pub const SCHEMA: &str = "gatemedic.history/1";

/// What a list of incidents needs besides them.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The time, for what goes on.
    pub now: Wall,
    /// The zone in which times are told.
    pub zone: &'a TimeZone,
    /// Columns and colours.
    pub layout: Layout,
}

impl Frame<'_> {
    fn time(&self, at: Wall, form: &str) -> String {
        let at = Timestamp::from_microsecond(at.0).unwrap_or_default();
        at.to_zoned(self.zone.clone()).strftime(form).to_string()
    }
}

/// One incident a row, in the order given.
pub fn list(incidents: &[&Incident], frame: &Frame<'_>) -> String {
    const CAUSES: usize = 32;
    const SUBJECTS: usize = 40;
    const LASTED: usize = 6;
    let mut page = Page::new(frame.layout);
    let rows: Vec<[String; 5]> = incidents.iter().map(|incident| row(incident, frame)).collect();
    let widest = |at: usize, most: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default().min(most)
    };
    let columns = [widest(0, 8), 16, LASTED, widest(3, CAUSES), widest(4, SUBJECTS)];
    for (incident, row) in incidents.iter().zip(&rows) {
        let cells: Vec<(&str, usize)> = row.iter().map(String::as_str).zip(columns).collect();
        let ink = if incident.fix().is_some() { Ink::Good } else { Ink::Plain };
        page.cells(&cells, ink, &outcome(incident, frame.now));
    }
    page.finish()
}

fn row(incident: &Incident, frame: &Frame<'_>) -> [String; 5] {
    [
        format!("#{}", incident.id),
        frame.time(incident.first, "%Y-%m-%d %H:%M"),
        lasted(incident.secs()),
        incident.trouble.cause.to_string(),
        incident.trouble.subject.to_string(),
    ]
}

/// Everything that is known of one.
pub fn one(incident: &Incident, frame: &Frame<'_>) -> String {
    let stamp = |at: Wall| frame.time(at, "%Y-%m-%d %H:%M:%S %:z");
    let trouble = &incident.trouble;
    let mut page = Page::new(frame.layout);
    page.title(&format!("Incident #{}: {}", incident.id, trouble.summary));
    page.entry("cause", &format!("{}, {}", trouble.cause, trouble.confidence.as_str()));
    page.entry("whom", &trouble.subject.to_string());
    if !trouble.gateway.is_empty() {
        page.entry("gateway", &trouble.gateway.to_string());
    }
    for upstream in &trouble.upstreams {
        page.entry("upstream", &upstream.to_string());
    }
    page.entry("first failure", &stamp(incident.first));
    page.entry("last failure", &stamp(incident.last));
    if let Some(ended) = incident.ended {
        page.entry("over", &stamp(ended));
    }
    page.entry("lasted", &lasted(incident.secs()));
    page.entry("failed", &format!("{} requests seen", incident.failures));
    if incident.returns > 0 {
        page.entry("came back", &times(incident.returns));
    }
    page.entry("outcome", &outcome(incident, frame.now));
    if let Some(recording) = &incident.recording {
        page.entry("recording", &recording.to_string());
    }
    for repair in &incident.repairs {
        page.heading(&format!("{}  {}", stamp(repair.at), repair.action));
        page.entry("by", &repair.by.to_string());
        page.entry("verdict", &verdict(repair));
        if let Some(secs) = repair.secs {
            page.entry("after", &lasted(secs));
        }
        if let Some(record) = repair.record {
            page.entry("record", &format!("number {record} of gatemedic audit"));
        }
    }
    page.finish()
}

fn times(n: u32) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}

fn verdict(repair: &Repair) -> String {
    match repair.verdict {
        Some(verdict) => verdict.words().to_owned(),
        None => ending(repair).replace('-', " "),
    }
}

fn ending(repair: &Repair) -> String {
    let value = serde_json::to_value(repair.ending).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// The whole document. Every text in it has passed the sanitiser.
pub fn document(incidents: &[&Incident], host: &str, now: Wall) -> Value {
    json!({
        "schema": SCHEMA,
        "as_of": now.rfc3339(),
        "host": { "name": host },
        "incidents": incidents.iter().map(|incident| json(incident, now)).collect::<Vec<_>>(),
    })
}

fn json(incident: &Incident, now: Wall) -> Value {
    let trouble = &incident.trouble;
    let words = |text: &Option<Text>| text.as_ref().map(ToString::to_string);
    json!({
        "id": incident.id,
        "cause": trouble.cause.to_string(),
        "confidence": trouble.confidence.as_str(),
        "subject": trouble.subject.to_string(),
        "summary": trouble.summary.to_string(),
        "gateway": Some(&trouble.gateway).filter(|id| !id.is_empty()).map(ToString::to_string),
        "upstreams": trouble.upstreams.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "touches": trouble.ties.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "state": incident.state_at(now).as_str(),
        "first": incident.first.rfc3339(),
        "last": incident.last.rfc3339(),
        "ended": incident.ended.map(Wall::rfc3339),
        "secs": incident.secs(),
        "failures": incident.failures,
        "returns": incident.returns,
        "fixed_by": incident.fix().map(repair),
        "repairs": incident.repairs.iter().map(repair).collect::<Vec<_>>(),
        "changed": words(&incident.changed),
        "recording": words(&incident.recording),
    })
}

fn repair(repair: &Repair) -> Value {
    json!({
        "action": repair.action.to_string(),
        "by": repair.by.to_string(),
        "at": repair.at.rfc3339(),
        "secs": repair.secs,
        "verdict": repair.verdict.map(|verdict| verdict.words().replace(' ', "-")),
        "ending": ending(repair),
        "record": repair.record,
    })
}

/// Adds to the findings of a diagnosis what is known of them from before.
pub fn add(document: &mut Value, history: &History, diagnosis: &Diagnosis) {
    let Some(findings) = document.get_mut("findings").and_then(Value::as_array_mut) else { return };
    for (told, finding) in findings.iter_mut().zip(&diagnosis.findings) {
        let before = history.before(finding, diagnosis).map(|before| {
            json!({
                "times": before.all.len(),
                "last": before.last.first.rfc3339(),
                "last_secs": before.last.secs(),
                "fixed_by": before.fixed.map(|(_, fix)| repair(fix)),
            })
        });
        if let (Some(members), Some(before)) = (told.as_object_mut(), before) {
            members.insert("history".to_owned(), before);
        }
    }
}
