//! Whose 502 it is: what the public answer, the local one and the access logs say together.

use crate::{
    diagnosis::{Diagnosis, Status},
    observation::{Arrival, GatewayId, GatewayKind, LocalVisit, Reply, Text, Visit, VisitFailure},
};

use super::fingerprint::{Fingerprints, HopKind, MarkMatch};

/// Everything that was asked and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The URL, without what is secret in it.
    pub url: Text,
    /// Its host.
    pub host: Text,
    /// The request as a visitor makes it.
    pub public: Visit,
    /// The same to the gateways of this host.
    pub local: Vec<LocalVisit>,
    /// Whether the gateways of this host were asked without the URL's query.
    pub without_query: bool,
    /// Whether the public request came here.
    pub arrival: Arrival,
}

impl Sight {
    /// What the gateways of this host were asked.
    fn asked(&self) -> &'static str {
        if self.without_query { "the same path, without the query," } else { "the same request" }
    }
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nobody's: no server error.
    Nobody,
    /// A gateway of this host or what stands behind it.
    Here,
    /// Something between the visitor and this host.
    InFront,
    /// It cannot be told.
    Unknown,
}

impl Blame {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Here => "this-host",
            Self::InFront => "in-front",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of the backend without asking it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its address.
    pub address: String,
    /// `up`, `degraded`, `down`, `unknown`.
    pub state: &'static str,
    /// Why.
    pub reason: String,
}

/// The verdict.
#[derive(Clone, Debug)]
pub struct Whose {
    /// Whose fault it is.
    pub blame: Blame,
    /// Whether that is proven.
    pub sure: bool,
    /// In a sentence.
    pub summary: String,
    /// Who made the answer.
    pub maker: Option<MarkMatch>,
    /// Who is on the way besides.
    pub passed: Vec<MarkMatch>,
    /// Why we think so, in sentence fragments.
    pub why: Vec<String>,
    /// Causes that it may be; `gatemedic explain` has a page for each.
    pub may_be: Vec<String>,
    /// What only somebody else's console shows.
    pub console: Vec<String>,
    /// The backends that the URL leads to, as far as is known.
    pub backends: Vec<Backend>,
}

/// Backends told at most.
const BACKENDS: usize = 8;

/// Judges.
pub fn judge(sight: &Sight, diagnosis: &Diagnosis, leads_to: &[String]) -> Whose {
    let reply = sight.public.outcome.as_ref().ok();
    let (maker, passed) = reply
        .map_or((None, Vec::new()), |reply| Fingerprints::embedded().read(reply, sight.host.raw()));
    let mut why = Vec::new();
    if let Some(maker) = &maker {
        why.push(format!("{}: {}", maker.title, maker.mark.why));
    }
    why.extend(passed.iter().map(|hop| format!("{}: {}", hop.title, hop.mark.why)));
    if !sight.public.untrusted.raw().is_empty() {
        let untrusted = &sight.public.untrusted;
        why.push(format!("the certificate is not trusted ({untrusted}): browsers refuse it"));
    }
    let (blame, sure, summary) = match &sight.public.outcome {
        Ok(reply) if reply.status < 500 => fine(sight, reply),
        Ok(reply) => failed(sight, reply, maker.as_ref(), diagnosis, &mut why),
        Err(failure) => unreachable(sight, failure, &mut why),
    };
    let may_be = may_be(sight, maker.as_ref(), &passed, blame, diagnosis);
    let console = console(maker.as_ref(), &passed, blame);
    let backends = diagnosis.upstreams.iter().filter(|row| leads_to.contains(&row.id.to_string()));
    let backends = backends.take(BACKENDS).map(|row| Backend {
        address: row.address.clone(),
        state: row.state,
        reason: row.reason.clone(),
    });
    let backends = backends.collect();
    Whose { blame, sure, summary, maker, passed, why, may_be, console, backends }
}

fn fine(sight: &Sight, reply: &Reply) -> (Blame, bool, String) {
    let status = reply.status;
    if !sight.public.untrusted.raw().is_empty() {
        let words = format!(
            "{} answers {status}, but browsers refuse its certificate: {}",
            sight.url, sight.public.untrusted
        );
        return (Blame::Unknown, false, words);
    }
    if !reply.cut.raw().is_empty() {
        let words = format!("{} answers {status}, but {}", sight.url, reply.cut);
        return (Blame::Unknown, false, words);
    }
    let words = format!("{} answers {status}: no server error now, seen from here", sight.url);
    (Blame::Nobody, true, words)
}

/// What the local answers come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// No gateway was asked.
    None,
    Good,
    Bad(Option<u16>),
}

fn inside(sight: &Sight) -> Inside {
    // A gateway that knows the name answers for it; another one only when no such is there.
    let named = sight.local.iter().any(|local| local.named);
    let mut told = sight.local.iter().filter(|local| local.named == named).peekable();
    if told.peek().is_none() {
        return Inside::None;
    }
    match told.find(|local| !local.visit.is_good()) {
        Some(bad) => Inside::Bad(bad.visit.status()),
        None => Inside::Good,
    }
}

fn failed(
    sight: &Sight,
    reply: &Reply,
    maker: Option<&MarkMatch>,
    diagnosis: &Diagnosis,
    why: &mut Vec<String>,
) -> (Blame, bool, String) {
    let (status, url) = (reply.status, &sight.url);
    let who = maker.map_or("nobody known by the form of the page", |maker| maker.title);
    let inside = inside(sight);
    why.push(match &inside {
        Inside::None => "no gateway of this host could be asked the same".to_owned(),
        Inside::Good => {
            format!("the gateway here answers {} without a server error", sight.asked())
        }
        Inside::Bad(Some(status)) => {
            format!("the gateway here answers {} with {status}", sight.asked())
        }
        Inside::Bad(None) => format!("the gateway here does not answer {}", sight.asked()),
    });
    why.push(match &sight.arrival {
        Arrival::Came(log) => format!("the request came here: {log} has its line"),
        Arrival::Never => {
            "the request never came here: the access log has the local one and not the public one"
                .to_owned()
        }
        Arrival::Unknown(reason) => {
            format!("whether the request came here cannot be told: {reason}")
        }
    });
    let outer = maker.is_some_and(|maker| maker.kind != HopKind::Gateway);
    let behind = maker.is_some_and(|maker| maker.mark.behind);
    let cause = diagnosis.findings.first().filter(|_| diagnosis.status != Status::Healthy);
    let named = cause.map_or_else(String::new, |finding| format!(": {}", finding.summary));
    match (&sight.arrival, inside) {
        (Arrival::Never, Inside::Good) => {
            let words = format!(
                "{status} was made by {who}, in front of this host: the request never came here, \
                 and the gateway here answers it; nothing on this host is at fault"
            );
            (Blame::InFront, true, words)
        }
        (Arrival::Never, Inside::Bad(_)) => {
            let words = format!(
                "{status} was made by {who} in front of this host, and the gateway here fails too\
                 {named}"
            );
            (Blame::Here, false, words)
        }
        (Arrival::Came(_), Inside::Bad(local)) => {
            let sure = local == Some(status);
            (Blame::Here, sure, format!("{status} comes from this host{named}"))
        }
        (Arrival::Came(_), Inside::None) => {
            let words = format!("{status} came back for a request that came here{named}");
            (Blame::Here, false, words)
        }
        (Arrival::Came(_), Inside::Good) if outer && !behind => {
            let words = format!(
                "{status} was made by {who}, though the request came here and the gateway here \
                 answers it: the answer was lost on the way back, or came too late"
            );
            (Blame::InFront, false, words)
        }
        (Arrival::Came(_), Inside::Good) => {
            let how = if sight.without_query {
                "without its query it is answered: it fails with the query, or now and then"
            } else {
                "it is answered: it fails now and then"
            };
            let words = format!(
                "{status} came back for a request that came here; asked again from inside {how}\
                 {named}"
            );
            (Blame::Here, false, words)
        }
        (Arrival::Unknown(_), Inside::Bad(_)) => {
            let words = format!("{url} answers {status}, and so fails the gateway here{named}");
            (Blame::Here, false, words)
        }
        (Arrival::Unknown(_), Inside::Good) => {
            let words = format!(
                "{status} was made by {who}; the gateway here answers {}: the fault lies in front of \
                 this host, or comes and goes",
                sight.asked()
            );
            (Blame::InFront, false, words)
        }
        (Arrival::Never | Arrival::Unknown(_), Inside::None) if outer && !behind => {
            (Blame::InFront, false, format!("{status} was made by {who}, in front of any server"))
        }
        (Arrival::Never | Arrival::Unknown(_), Inside::None) => {
            let words = format!(
                "{status} was made by {who}; no gateway of this host answers for {}",
                sight.host
            );
            (Blame::Unknown, false, words)
        }
    }
}

fn unreachable(
    sight: &Sight,
    failure: &VisitFailure,
    why: &mut Vec<String>,
) -> (Blame, bool, String) {
    let (host, inside) = (&sight.host, inside(sight));
    let good = inside == Inside::Good;
    why.push(failure.to_string());
    if good {
        why.push("the gateway here answers the same request without a server error".to_owned());
    }
    let and_here = if good { "; the gateway here answers" } else { "" };
    match failure {
        VisitFailure::Name(_) => {
            let words = format!("{host} does not resolve: no visitor gets as far as a server");
            (Blame::InFront, false, words)
        }
        VisitFailure::Connect(_) => {
            let blame = if good { Blame::InFront } else { Blame::Unknown };
            let to: Vec<String> = sight.public.to.iter().take(4).map(ToString::to_string).collect();
            let words = format!("no connection to {host} at {}{and_here}", to.join(", "));
            (blame, false, words)
        }
        VisitFailure::Tls(reason) => {
            (Blame::Unknown, false, format!("TLS with {host} fails: {reason}{and_here}"))
        }
        VisitFailure::Broken(reason) => {
            let blame = if good { Blame::InFront } else { Blame::Unknown };
            (blame, false, format!("{host} gives no valid answer: {reason}{and_here}"))
        }
        VisitFailure::Late(ms) => {
            let blame = if good { Blame::InFront } else { Blame::Unknown };
            (blame, false, format!("{host} gives no answer within {ms} ms{and_here}"))
        }
    }
}

/// The causes that it may be: those of the marks, as far as they fit what is known.
fn may_be(
    sight: &Sight,
    maker: Option<&MarkMatch>,
    passed: &[MarkMatch],
    blame: Blame,
    diagnosis: &Diagnosis,
) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |cause: &str| {
        if !all.iter().any(|known| known == cause) {
            all.push(cause.to_owned());
        }
    };
    if blame == Blame::Nobody || sight.public.outcome.is_err() {
        return all;
    }
    // A balancer whose request came here did find a target.
    let came = matches!(sight.arrival, Arrival::Came(_));
    for cause in maker.iter().flat_map(|maker| &maker.mark.may_be) {
        if !(came && cause == "lb-no-targets") {
            add(cause);
        }
    }
    let outer = maker.is_none_or(|maker| maker.kind == HopKind::Gateway);
    for cause in passed.iter().filter(|_| outer).flat_map(|hop| &hop.mark.may_be) {
        add(cause);
    }
    // Another program than those that run here signed the page.
    let own = |kind: GatewayKind| maker.is_some_and(|maker| maker.hop.starts_with(kind.as_str()));
    let stranger = maker.is_some_and(|maker| {
        maker.kind == HopKind::Gateway
            && !diagnosis.gateways.is_empty()
            && !diagnosis.gateways.iter().any(|gateway| own(gateway.kind))
            && !(maker.hop == "openresty"
                && diagnosis.gateways.iter().any(|g| g.kind == GatewayKind::Nginx))
    });
    if stranger {
        add("chained-proxy");
    }
    all
}

fn console(maker: Option<&MarkMatch>, passed: &[MarkMatch], blame: Blame) -> Vec<String> {
    if matches!(blame, Blame::Nobody) {
        return Vec::new();
    }
    let hops = maker.into_iter().chain(passed.iter().filter(|_| blame != Blame::Here));
    let mut all: Vec<String> = Vec::new();
    for line in hops.flat_map(|hop| hop.console) {
        if !all.contains(line) {
            all.push(line.clone());
        }
    }
    if all.is_empty() && blame == Blame::InFront {
        all = [
            "DNS: does the name lead to this host, or to a load balancer that knows it?",
            "security groups and firewalls in front: do they admit the port to this host?",
            "the health of this host in the load balancer's list of targets",
        ]
        .map(str::to_owned)
        .to_vec();
    }
    all
}

/// The gateway that a local answer came from, by its id.
pub(super) fn of_gateway<'a>(diagnosis: &'a Diagnosis, id: &GatewayId) -> &'a str {
    let gateway = diagnosis.gateways.iter().find(|gateway| gateway.id == *id);
    gateway.map_or("gateway", |gateway| gateway.kind.as_str())
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
