//! A text for whoever runs the hop in front: what was asked, when, what came, and what to look at.

use std::fmt::Write as _;

use crate::{
    diagnosis::Diagnosis,
    observation::{Arrival, Reply, Text, Visit},
};

use super::{
    Sight, Whose,
    verdict::{Blame, of_gateway},
};

/// Headers by which somebody else finds the request in his logs.
const IDS: [&str; 16] = [
    "cf-ray",
    "x-amzn-trace-id",
    "x-amz-cf-id",
    "x-amzn-requestid",
    "x-request-id",
    "x-correlation-id",
    "x-cloud-trace-context",
    "x-azure-ref",
    "x-served-by",
    "akamai-grn",
    "x-vercel-id",
    "x-nf-request-id",
    "fly-request-id",
    "rndr-id",
    "traceparent",
    "via",
];

/// The request's ids in an answer, in the order of the answer.
pub fn request_ids(reply: &Reply) -> impl Iterator<Item = (&str, &Text)> {
    reply
        .headers
        .iter()
        .filter_map(|(name, value)| IDS.contains(&name.as_str()).then_some((name.as_str(), value)))
}

/// The text, in plain lines. Nothing in it is secret that was not in the URL.
pub fn letter(sight: &Sight, whose: &Whose, diagnosis: &Diagnosis, host: &str) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        let _ = writeln!(text, "{words}");
    };
    let public = &sight.public;
    line(&format!("{} gave {} at {} (UTC)", sight.url, outcome(public), public.at.rfc3339()));
    line("");
    let to: Vec<String> = public.to.iter().take(4).map(ToString::to_string).collect();
    let at = if to.is_empty() { String::new() } else { format!(" (at {})", to.join(", ")) };
    line(&format!(
        "Asked once, GET, User-Agent gatemedic, header X-502-Probe: {} after {} ms{at}.",
        outcome(public),
        public.millis
    ));
    if let Ok(reply) = &public.outcome {
        let server = reply.header("server").map(|server| format!("Server header: {server}."));
        server.into_iter().for_each(|words| line(&words));
        for (name, value) in request_ids(reply) {
            line(&format!("{name}: {value}"));
        }
    }
    if let Some(maker) = &whose.maker {
        line(&format!("By its form the answer was made by {}: {}.", maker.title, maker.mark.why));
    }
    for local in &sight.local {
        line(&format!(
            "From inside ({host}, {} at {}): {} at {}.",
            of_gateway(diagnosis, &local.gateway),
            local.listen,
            outcome(&local.visit),
            local.visit.at.rfc3339()
        ));
    }
    match &sight.arrival {
        Arrival::Came(log) => line(&format!("The request came to this host: {log}.")),
        Arrival::Never => line("The request never came to this host, by its access log."),
        Arrival::Unknown(_) => {}
    }
    if whose.blame != Blame::Nobody && !whose.console.is_empty() {
        line("");
        line("Please look at:");
        for item in &whose.console {
            line(&format!("- {item}"));
        }
    }
    text.trim_end().to_owned() + "\n"
}

fn outcome(visit: &Visit) -> String {
    match &visit.outcome {
        Ok(reply) => format!("status {}", reply.status),
        Err(failure) => failure.to_string(),
    }
}
