//! What a rule finds: a cause, whom it concerns, and the evidence for and against.

use std::collections::HashSet;

use super::Changed;
use crate::observation::{
    Address, ContainerId, GatewayId, Origin, ProgramId, SourceId, Text, UnitName, UpstreamId, Wall,
};

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// It fits, and something that would decide it is out of sight or unproven.
    Possible,
    /// It fits better than anything else.
    Likely,
    /// It is proven.
    Confirmed,
}

impl Confidence {
    /// Its name in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Confirmed => "confirmed",
        }
    }
}

/// Whom a finding concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FindingSubject {
    /// Gateway.
    pub gateway: Option<GatewayId>,
    /// Upstream rows that suffer from it.
    pub upstreams: Vec<UpstreamId>,
    /// Address.
    pub address: Option<Address>,
    /// Addresses of which one is meant, when the evidence cannot tell which.
    pub candidates: Vec<Address>,
    /// Unit.
    pub unit: Option<UnitName>,
    /// Program of another manager than systemd.
    pub program: Option<ProgramId>,
    /// Container, with its name.
    pub container: Option<(ContainerId, Text)>,
    /// Process.
    pub pid: Option<u32>,
    /// A file or socket path.
    pub path: Option<Text>,
    /// A host name or DNS server.
    pub name: Option<Text>,
}

impl FindingSubject {
    /// Whom it concerns, as one word that stays the same while the evidence grows.
    pub fn whom(&self) -> String {
        let unit = self.unit.as_ref().map(ToString::to_string);
        let program = || self.program.as_ref().map(ToString::to_string);
        let container = || self.container.as_ref().map(|(id, _)| id.to_string());
        let address = || self.address.as_ref().map(ToString::to_string);
        let gateway = || self.gateway.as_ref().map(ToString::to_string);
        let other = unit.or_else(program).or_else(container).or_else(address);
        other.or_else(gateway).unwrap_or_default()
    }

    /// Whether two findings speak of the same trouble: a shared upstream, unit, container or
    /// gateway without upstreams.
    pub fn overlaps(&self, other: &Self) -> bool {
        let shared = shares(&self.upstreams, &other.upstreams);
        let unit = self.unit.is_some() && self.unit == other.unit;
        let program = self.program.is_some() && self.program == other.program;
        let container = self.container.is_some() && self.container == other.container;
        let whole = (self.upstreams.is_empty() || other.upstreams.is_empty())
            && self.gateway.is_some()
            && self.gateway == other.gateway;
        shared || unit || program || container || whole
    }

    /// Adds upstreams that are not there yet, in their order.
    pub fn add_upstreams(&mut self, more: Vec<UpstreamId>) {
        let known: HashSet<UpstreamId> = self.upstreams.iter().cloned().collect();
        self.upstreams.extend(more.into_iter().filter(|id| !known.contains(id)));
    }
}

/// Whether two lists have an upstream in common. Either may be as long as a host has upstreams.
pub(super) fn shares(a: &[UpstreamId], b: &[UpstreamId]) -> bool {
    const SHORT: usize = 16;
    let (few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if few.len() <= SHORT {
        return few.iter().any(|id| many.contains(id));
    }
    let known: HashSet<&UpstreamId> = few.iter().collect();
    many.iter().any(|id| known.contains(id))
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// What, in a sentence fragment.
    pub what: String,
    /// Where it was read.
    pub origin: Origin,
    /// When it happened, if it is an event.
    pub at: Option<Wall>,
}

/// Evidence that would decide and cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// What would be known.
    pub what: String,
    /// The source that is blind.
    pub source: SourceId,
}

/// A cause found by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Cause id.
    pub cause: &'static str,
    /// How sure.
    pub confidence: Confidence,
    /// Whom it concerns.
    pub subject: FindingSubject,
    /// One sentence.
    pub summary: String,
    /// Since when.
    pub since: Option<Wall>,
    /// Whether its effect lasts; a finding that does not is listed as recovered.
    pub current: bool,
    /// Causes and symptoms that it explains and that were also seen.
    pub explains: Vec<&'static str>,
    /// Evidence for it.
    pub evidence: Vec<Evidence>,
    /// Evidence against it.
    pub against: Vec<Evidence>,
    /// What would decide and is out of sight.
    pub missing: Vec<Missing>,
    /// The cheapest next check.
    pub next_check: Option<String>,
    /// The address that answers, where the configuration names another one.
    pub instead: Option<Address>,
    /// The change of this host that touches its subject and came before it; never a proof.
    pub changed_before: Option<Changed>,
}

impl Finding {
    /// A current finding without evidence yet.
    pub fn new(cause: &'static str, confidence: Confidence, summary: impl Into<String>) -> Self {
        Self {
            cause,
            confidence,
            subject: FindingSubject::default(),
            summary: summary.into(),
            since: None,
            current: true,
            explains: Vec::new(),
            evidence: Vec::new(),
            against: Vec::new(),
            missing: Vec::new(),
            next_check: None,
            instead: None,
            changed_before: None,
        }
    }

    /// Sets whom it concerns.
    #[must_use]
    pub fn about(mut self, subject: FindingSubject) -> Self {
        self.subject = subject;
        self
    }

    /// Adds evidence for it.
    #[must_use]
    pub fn with(mut self, what: impl Into<String>, origin: Origin, at: Option<Wall>) -> Self {
        self.evidence.push(Evidence { what: what.into(), origin, at });
        self
    }

    /// Adds evidence for it, when there is some.
    #[must_use]
    pub fn with_some(mut self, evidence: Option<Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Adds evidence against it.
    #[must_use]
    pub fn contra(mut self, what: impl Into<String>, origin: Origin, at: Option<Wall>) -> Self {
        self.against.push(Evidence { what: what.into(), origin, at });
        self
    }

    /// Adds what would decide and is out of sight.
    #[must_use]
    pub fn unseen(mut self, what: impl Into<String>, source: SourceId) -> Self {
        self.missing.push(Missing { what: what.into(), source });
        self
    }

    /// Sets since when.
    #[must_use]
    pub const fn since(mut self, at: Option<Wall>) -> Self {
        self.since = at;
        self
    }

    /// Names the address that answers, where the configuration names another one.
    #[must_use]
    pub fn instead(mut self, address: &Address) -> Self {
        self.instead = Some(address.clone());
        self
    }

    /// Sets the next check.
    #[must_use]
    pub fn check(mut self, next: impl Into<String>) -> Self {
        self.next_check = Some(next.into());
        self
    }
}
