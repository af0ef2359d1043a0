//! The diagnosis as plain text for people: the answer first, then what it rests on.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::{
    diagnosis::{Diagnosis, Finding},
    observation::{SourceId, Wall},
};

/// Evidence lines shown per finding.
const SHOWN: usize = 8;

/// The report, without colours, lines kept within what a terminal shows.
pub fn report(diagnosis: &Diagnosis, incomplete: &[SourceId], zone: &TimeZone) -> String {
    let mut out = String::new();
    headline(&mut out, diagnosis, zone);
    for (at, finding) in diagnosis.findings.iter().enumerate() {
        one_finding(&mut out, at + 1, finding, zone);
    }
    for finding in &diagnosis.recovered {
        let _ = writeln!(out, "\nover: {} ({})", finding.summary, finding.cause);
    }
    upstreams(&mut out, diagnosis);
    list(&mut out, "Outside this incident", diagnosis.outside.iter().map(String::as_str));
    let blind: Vec<String> = diagnosis
        .blind_spots
        .iter()
        .map(|s| {
            format!(
                "{} ({}): {}; hides {}{}",
                s.source,
                s.what,
                s.why,
                s.hides,
                grant(&s.grant.to_string())
            )
        })
        .collect();
    list(&mut out, "Out of sight", blind.iter().map(String::as_str));
    list(&mut out, "Not finished before the deadline", incomplete.iter().map(|id| id.as_str()));
    out
}

fn grant(grant: &str) -> String {
    if grant.is_empty() { String::new() } else { format!("; to open it: {grant}") }
}

fn headline(out: &mut String, diagnosis: &Diagnosis, zone: &TimeZone) {
    let since = match (diagnosis.incident.first, diagnosis.incident.present) {
        (Some(first), true) => format!(
            " since {} ({} failed requests seen)",
            first.clock(zone),
            diagnosis.incident.failures
        ),
        _ => String::new(),
    };
    let _ = writeln!(out, "{}{since}", diagnosis.status.as_str().to_uppercase());
    if diagnosis.gateways.is_empty() {
        let _ = writeln!(out, "no gateway was found on this host");
    }
    for gateway in &diagnosis.gateways {
        let version = gateway.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
        let state = if gateway.running { "running" } else { "not running" };
        let _ = writeln!(out, "{}{version} {}, {state}", gateway.kind.as_str(), gateway.config);
    }
    if diagnosis.findings.is_empty() && diagnosis.status != crate::diagnosis::Status::Healthy {
        let _ = writeln!(out, "\nThere is not enough evidence to name a cause.");
    }
    if !diagnosis.incident.traffic && !diagnosis.gateways.is_empty() {
        let _ = writeln!(out, "No request was seen lately: the state of the chain decides.");
    }
}

fn one_finding(out: &mut String, rank: usize, finding: &Finding, zone: &TimeZone) {
    let _ = writeln!(
        out,
        "\n{rank}. {} [{}, {}]",
        finding.summary,
        finding.cause,
        finding.confidence.as_str()
    );
    let when = |at: Option<Wall>| at.map(|at| format!("{} ", at.clock(zone))).unwrap_or_default();
    for evidence in finding.evidence.iter().take(SHOWN) {
        let _ = writeln!(out, "   + {}{} ({})", when(evidence.at), evidence.what, evidence.origin);
    }
    for evidence in finding.against.iter().take(SHOWN) {
        let _ = writeln!(out, "   - {}{} ({})", when(evidence.at), evidence.what, evidence.origin);
    }
    for missing in &finding.missing {
        let _ = writeln!(out, "   ? {} ({} is out of sight)", missing.what, missing.source);
    }
    if !finding.explains.is_empty() {
        let _ = writeln!(out, "   explains {}", finding.explains.join(", "));
    }
    if let Some(next) = &finding.next_check {
        let _ = writeln!(out, "   next: {next}");
    }
}

fn upstreams(out: &mut String, diagnosis: &Diagnosis) {
    const ROWS: usize = 40;
    if diagnosis.upstreams.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nUpstreams");
    let mut rows: Vec<_> = diagnosis.upstreams.iter().collect();
    rows.sort_by_key(|row| (row.state == "up", row.id.clone()));
    for row in rows.iter().take(ROWS) {
        let behind = match (&row.container, &row.unit, &row.process) {
            (Some((_, name)), _, _) => format!("container {name}"),
            (None, Some(unit), _) => unit.to_string(),
            (None, None, Some(process)) => process.to_string(),
            _ => "nobody known".to_owned(),
        };
        let _ = writeln!(
            out,
            "   {:<9}{} {} <- {} ({})",
            row.state,
            row.protocol.as_str(),
            row.address,
            behind,
            row.reason
        );
    }
    if rows.len() > ROWS {
        let _ = writeln!(out, "   … {} more", rows.len() - ROWS);
    }
}

fn list<'a>(out: &mut String, title: &str, items: impl Iterator<Item = &'a str>) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for item in items {
        let _ = writeln!(out, "   {item}");
    }
}
