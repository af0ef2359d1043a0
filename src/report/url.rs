//! Whose answer it is, for people and for scripts.

use serde_json::{Map, Value, json};

use crate::{
    diagnosis::{
        Diagnosis,
        url::{Blame, MarkMatch, Sight, Whose, letter, request_ids},
    },
    observation::{Arrival, Text, Visit, VisitFailure},
};

use super::{
    page::{Ink, Page},
    text::Frame,
};

/// Columns of the labels.
const LABELS: usize = 11;

/// The answer in front of a text report.
pub fn text(sight: &Sight, whose: &Whose, diagnosis: &Diagnosis, frame: &Frame<'_>) -> String {
    let mut page = Page::new(frame.layout);
    let ink = match whose.blame {
        Blame::Nobody => Ink::Good,
        Blame::Here => Ink::Bad,
        Blame::InFront | Blame::Unknown => Ink::Warning,
    };
    let who = match whose.blame {
        Blame::Nobody => "ANSWERS",
        Blame::Here => "THIS HOST",
        Blame::InFront => "IN FRONT OF THIS HOST",
        Blame::Unknown => "CANNOT TELL",
    };
    let sure = if whose.sure || whose.blame == Blame::Unknown { "" } else { "(likely) " };
    page.headline(who, ink, &format!("{sure}{}", whose.summary));
    let mut row = |label: &str, text: &str| {
        page.labelled((label, Ink::Strong), LABELS, text, Ink::Plain);
    };
    row("outside", &visit(&sight.public));
    for local in &sight.local {
        let named = if local.named { "" } else { ", which does not name this host" };
        row(
            "inside",
            &format!("{} ({} at {}{named})", visit(&local.visit), local.gateway, local.listen),
        );
    }
    for backend in &whose.backends {
        let reason = if backend.reason.is_empty() { "" } else { ": " };
        row(
            "behind",
            &format!("{} is {}{reason}{}", backend.address, backend.state, backend.reason),
        );
    }
    for why in &whose.why {
        row("because", why);
    }
    if !whose.may_be.is_empty() {
        let list = whose.may_be.join(", ");
        row("may be", &format!("{list} (gatemedic explain has a page for each)"));
    }
    for item in &whose.console {
        row("only there", item);
    }
    if whose.blame != Blame::Nobody {
        page.blank();
        page.text("A text for whoever runs what stands in front:");
        for line in letter(sight, whose, diagnosis, frame.host).lines() {
            page.labelled(("|", Ink::Faint), 2, line, Ink::Plain);
        }
    }
    page.finish()
}

fn visit(visit: &Visit) -> String {
    let millis = visit.millis;
    match &visit.outcome {
        Ok(reply) => {
            let server = reply.header("server").map(|server| format!(", Server: {server}"));
            let cut = &reply.cut;
            let cut = if cut.raw().is_empty() { String::new() } else { format!(", {cut}") };
            format!("{} after {millis} ms{}{cut}", reply.status, server.unwrap_or_default())
        }
        Err(failure) => format!("{failure} (after {millis} ms)"),
    }
}

/// The answer as JSON.
pub fn json(sight: &Sight, whose: &Whose, diagnosis: &Diagnosis, host: &str) -> Value {
    let local = sight.local.iter().map(|local| {
        let mut value = visit_json(&local.visit);
        if let Some(members) = value.as_object_mut() {
            members.insert("gateway".to_owned(), local.gateway.to_string().into());
            members.insert("listen".to_owned(), local.listen.to_string().into());
            members.insert("tls".to_owned(), local.tls.into());
            members.insert("named".to_owned(), local.named.into());
        }
        value
    });
    let ids = sight.public.outcome.as_ref().ok().into_iter().flat_map(request_ids);
    let ids: Map<String, Value> =
        ids.map(|(name, value)| (name.to_owned(), value.to_string().into())).collect();
    let letter = letter(sight, whose, diagnosis, host);
    json!({
        "asked": sight.url.to_string(),
        "public": visit_json(&sight.public),
        "local": local.collect::<Vec<_>>(),
        "said_by": whose.maker.as_ref().map(hop),
        "on_the_way": whose.passed.iter().map(hop).collect::<Vec<_>>(),
        "arrived": match sight.arrival {
            Arrival::Came(_) => Some(true),
            Arrival::Never => Some(false),
            Arrival::Unknown(_) => None,
        },
        "blame": whose.blame.as_str(),
        "sure": whose.sure,
        "summary": whose.summary,
        "why": whose.why,
        "may_be": whose.may_be,
        "console_only": whose.console,
        "backends": whose.backends.iter().map(|backend| json!({
            "address": backend.address, "state": backend.state, "reason": backend.reason,
        })).collect::<Vec<_>>(),
        "request_ids": ids,
        "letter": letter.lines().collect::<Vec<_>>(),
    })
}

fn visit_json(visit: &Visit) -> Value {
    let some = |text: &Text| Some(text.to_string()).filter(|text| !text.is_empty());
    let reply = visit.outcome.as_ref().ok();
    let failure = visit.outcome.as_ref().err();
    json!({
        "at": visit.at.rfc3339(),
        "milliseconds": visit.millis,
        "addresses": visit.to.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "status": visit.status(),
        "failure": failure.map(ToString::to_string),
        "failure_kind": failure.map(kind),
        "server": reply.and_then(|reply| reply.header("server")).map(ToString::to_string),
        "untrusted": some(&visit.untrusted),
        "cut": reply.and_then(|reply| some(&reply.cut)),
    })
}

const fn kind(failure: &VisitFailure) -> &'static str {
    match failure {
        VisitFailure::Name(_) => "name",
        VisitFailure::Connect(_) => "connect",
        VisitFailure::Tls(_) => "tls",
        VisitFailure::Broken(_) => "broken",
        VisitFailure::Late(_) => "late",
    }
}

fn hop(fit: &MarkMatch) -> Value {
    json!({
        "name": fit.hop,
        "title": fit.title,
        "kind": fit.kind.as_str(),
        "mark": fit.mark.id,
        "why": fit.mark.why,
    })
}
