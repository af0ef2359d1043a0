//! A text for somebody senior: everything that they would ask for, to copy.

use crate::{
    diagnosis::{Diagnosis, Finding},
    observation::{Clean, Wall},
};

use super::{How, Playbooks, Wizard};

/// Pieces of evidence of each cause.
const EVIDENCE: usize = 6;
/// Causes.
const CAUSES: usize = 4;

/// Something that was done, with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// When.
    pub at: Wall,
    /// What.
    pub what: String,
    /// The verdict in words.
    pub result: String,
}

/// The text, line by line, safe to show and to send.
pub fn senior(
    host: &str,
    diagnosis: &Diagnosis,
    tried: &[Tried],
    wizard: Option<&Wizard>,
    books: &Playbooks,
) -> Vec<String> {
    let mut lines = vec![
        format!("Help with {host}: the gateway is {}", diagnosis.status.as_str()),
        format!("as of {}", diagnosis.as_of),
    ];
    if let Some(first) = diagnosis.incident.first {
        let n = diagnosis.incident.failures;
        lines.push(format!("since {first}, {n} failed requests seen"));
    }
    for gateway in &diagnosis.gateways {
        let version = gateway.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
        lines.push(format!("gateway: {}{version}, {}", gateway.kind.as_str(), gateway.config));
    }
    let down = diagnosis.upstreams.iter().filter(|row| row.state == "down");
    lines.extend(down.take(8).map(|row| format!("down: {}, {}", row.address, row.reason)));
    for (at, finding) in diagnosis.findings.iter().take(CAUSES).enumerate() {
        lines.push(String::new());
        cause(&mut lines, at + 1, finding);
    }
    if diagnosis.findings.is_empty() {
        lines.push(String::new());
        lines.push("No cause could be named.".to_owned());
    }
    lines.push(String::new());
    lines.push("What was tried:".to_owned());
    for one in tried {
        lines.push(format!("- {} {}: {}", one.at, one.what, one.result));
    }
    if tried.is_empty() {
        lines.push("- nothing".to_owned());
    }
    if let Some(wizard) = wizard {
        walked(&mut lines, wizard, books);
    }
    if !diagnosis.blind_spots.is_empty() {
        lines.push(String::new());
        lines.push("What could not be seen:".to_owned());
    }
    let blind = diagnosis.blind_spots.iter().take(8);
    lines.extend(blind.map(|spot| format!("- {}: {} ({})", spot.source, spot.hides, spot.why)));
    lines.iter().map(|line| Clean::new(line).as_str().to_owned()).collect()
}

fn cause(lines: &mut Vec<String>, rank: usize, finding: &Finding) {
    let sure = finding.confidence.as_str();
    lines.push(format!("{rank}. {} ({}, {sure})", finding.summary, finding.cause));
    for one in finding.evidence.iter().take(EVIDENCE) {
        let at = one.at.map(|at| format!("{at} ")).unwrap_or_default();
        lines.push(format!("   + {at}{} [{}]", one.what, one.origin));
    }
    let against = finding.against.iter().take(EVIDENCE);
    lines.extend(against.map(|one| format!("   - {} [{}]", one.what, one.origin)));
    let missing = finding.missing.iter().take(EVIDENCE);
    lines.extend(missing.map(|one| format!("   ? {} ({} is out of sight)", one.what, one.source)));
    if let Some(next) = &finding.next_check {
        lines.push(format!("   next check: {next}"));
    }
}

fn walked(lines: &mut Vec<String>, wizard: &Wizard, books: &Playbooks) {
    let title = |book: &str, step: &str| {
        let step = books.get(book).and_then(|book| book.step(step));
        step.map_or_else(|| "a step that is gone".to_owned(), |step| step.title.clone())
    };
    if !wizard.closed.is_empty() {
        lines.push(String::new());
        lines.push("What was looked at:".to_owned());
    }
    for closed in &wizard.closed {
        let found = match (&closed.how, closed.found.is_empty()) {
            (How::Skipped(_), _) | (_, true) => String::new(),
            (_, false) => format!(" ({})", closed.found),
        };
        let title = title(&closed.book, &closed.step);
        lines.push(format!("- {} {title}: {}{found}", closed.at, closed.how.words()));
    }
    if let (Some((book, step)), false) = (wizard.here(books), wizard.over) {
        lines.push(String::new());
        lines.push(format!("What is open: {}, at \"{}\"", book.title, step.title));
    }
}
