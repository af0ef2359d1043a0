//! What a look sees, and what it comes to.

use crate::{
    diagnosis::{Diagnosis, Finding},
    evidence::{
        CaseFile,
        topology::{Chain, Peer, chains, chains_of},
    },
    observation::{Gateway, GatewayKind, ManagedProgram, SourceId, Unit},
    remedy::Plan,
};

/// Lines that one look shows at most.
const FOUND: usize = 12;

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// In order.
    Good,
    /// Out of order.
    Bad,
    /// It cannot be seen from here.
    Unknown,
    /// There is nothing of the kind on this host.
    NotApplicable,
}

/// A look and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// What it came to.
    pub state: State,
    /// What was looked at and found, line by line.
    pub found: Vec<String>,
    /// The command that does the same by hand, word by word.
    pub command: Option<Vec<String>>,
    /// Repairs that do what prevention lacks.
    pub acts: Vec<Plan>,
}

/// The finding that a look is about: its cause, and whom it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About<'a> {
    /// Id of the cause.
    pub cause: &'a str,
    /// Whom it concerns.
    pub whom: &'a str,
}

/// Everything that looks see.
pub(super) struct Sight<'a> {
    pub(super) case: &'a CaseFile,
    pub(super) diagnosis: &'a Diagnosis,
    pub(super) about: Option<About<'a>>,
    pub(super) finding: Option<&'a Finding>,
    /// The chains that the finding concerns, or all of them.
    pub(super) chains: Vec<Chain<'a>>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(
        case: &'a CaseFile,
        diagnosis: &'a Diagnosis,
        about: Option<About<'a>>,
    ) -> Self {
        let same = |f: &&Finding| {
            about.is_some_and(|about| f.cause == about.cause && f.subject.whom() == about.whom)
        };
        let finding = diagnosis.findings.iter().find(same);
        let finding = finding.or_else(|| diagnosis.recovered.iter().find(same));
        let ids = finding.map(|f| f.subject.upstreams.as_slice()).unwrap_or_default();
        let chains = if ids.is_empty() { chains(case) } else { chains_of(case, ids) };
        Self { case, diagnosis, about, finding, chains }
    }

    /// The units that stand behind, or should, once each; that of the finding first.
    pub(super) fn units(&self) -> Vec<&'a Unit> {
        let own = self.finding.and_then(|f| f.subject.unit.as_ref());
        let own = own.and_then(|name| self.case.units.get(name));
        let peers = self.chains.iter().flat_map(|chain| &chain.peers);
        let behind = peers.filter_map(Peer::responsible_unit);
        let mut all: Vec<&Unit> = Vec::new();
        for unit in own.into_iter().chain(behind) {
            if !all.iter().any(|known| known.name == unit.name) {
                all.push(unit);
            }
        }
        all
    }

    /// The programs of other managers that stand behind, or should, once each.
    pub(super) fn programs(&self) -> Vec<&'a ManagedProgram> {
        let peers = self.chains.iter().flat_map(|chain| &chain.peers);
        let mut all: Vec<&ManagedProgram> = peers.filter_map(Peer::responsible_program).collect();
        all.sort_by_key(|program| &program.id);
        all.dedup_by_key(|program| &program.id);
        all
    }

    /// The gateway that is looked at: that of the finding, of the first chain, or the first that runs.
    pub(super) fn gateway(&self) -> Option<&'a Gateway> {
        let told = self.finding.and_then(|finding| finding.subject.gateway.as_ref());
        let told = told.and_then(|id| self.case.gateways.get(id));
        let first = || self.chains.first().map(|chain| chain.gateway);
        let mut running = self.case.gateways.values().filter(|gateway| gateway.running);
        told.or_else(first)
            .or_else(|| running.next())
            .or_else(|| self.case.gateways.values().next())
    }

    /// The command that shows the configuration of that gateway.
    pub(super) fn shows_config(&self) -> Vec<String> {
        let Some(gateway) = self.gateway() else { return words(&["nginx", "-T"]) };
        let file = gateway.config.raw();
        match gateway.kind {
            GatewayKind::Nginx => words(&["nginx", "-T"]),
            GatewayKind::Apache => words(&["apachectl", "-S"]),
            GatewayKind::Caddy => words(&["caddy", "adapt", "--config", file]),
            GatewayKind::Haproxy | GatewayKind::Traefik | GatewayKind::Envoy => {
                words(&["cat", file])
            }
        }
    }

    /// The command that tests it; Traefik has none, and its file is shown.
    pub(super) fn tests_config(&self) -> Vec<String> {
        let Some(gateway) = self.gateway() else { return words(&["nginx", "-t"]) };
        let file = gateway.config.raw();
        match gateway.kind {
            GatewayKind::Nginx => words(&["nginx", "-t"]),
            GatewayKind::Apache => words(&["apachectl", "-t"]),
            GatewayKind::Haproxy => words(&["haproxy", "-c", "-f", file]),
            GatewayKind::Caddy => words(&["caddy", "validate", "--config", file]),
            GatewayKind::Envoy => words(&["envoy", "--mode", "validate", "-c", file]),
            GatewayKind::Traefik => words(&["cat", file]),
        }
    }

    /// Whether a source cannot see.
    pub(super) fn blind(&self, source: SourceId) -> Option<String> {
        let spot = self.case.blind.values().find(|spot| spot.source == source)?;
        Some(format!("{source} is out of sight: {} ({})", spot.what, spot.why))
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Collects what a look finds.
#[derive(Debug, Default)]
pub(super) struct Tally {
    lines: Vec<(State, String)>,
    command: Option<Vec<String>>,
    acts: Vec<Plan>,
}

impl Tally {
    pub(super) fn good(&mut self, text: impl Into<String>) {
        self.lines.push((State::Good, text.into()));
    }

    pub(super) fn bad(&mut self, text: impl Into<String>) {
        self.lines.push((State::Bad, text.into()));
    }

    pub(super) fn unknown(&mut self, text: impl Into<String>) {
        self.lines.push((State::Unknown, text.into()));
    }

    /// Something worth saying that decides nothing.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.lines.push((State::NotApplicable, text.into()));
    }

    /// Good or bad.
    pub(super) fn judge(&mut self, good: bool, text: impl Into<String>) {
        if good { self.good(text) } else { self.bad(text) }
    }

    pub(super) fn act(&mut self, plan: Plan) {
        self.acts.push(plan);
    }

    pub(super) fn command(&mut self, words: &[&str]) {
        self.command = Some(self::words(words));
    }

    /// A command whose words are known only now.
    pub(super) fn command_of(&mut self, words: Vec<String>) {
        self.command = Some(words);
    }

    pub(super) fn has_bad(&self) -> bool {
        self.lines.iter().any(|(state, _)| *state == State::Bad)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What is bad comes first; one bad thing makes all of it bad, and what cannot be seen is not
    /// taken for good.
    pub(super) fn measured(mut self, nothing: &str) -> Measured {
        let has = |state| self.lines.iter().any(|(s, _)| *s == state);
        let state = if has(State::Bad) {
            State::Bad
        } else if has(State::Unknown) {
            State::Unknown
        } else if has(State::Good) {
            State::Good
        } else {
            State::NotApplicable
        };
        let order = |state: State| match state {
            State::Bad => 0,
            State::Unknown => 1,
            State::Good => 2,
            State::NotApplicable => 3,
        };
        self.lines.sort_by_key(|(state, _)| order(*state));
        let all = self.lines.len();
        let mut found: Vec<String> = Vec::new();
        for (_, text) in self.lines {
            if found.len() < FOUND && !found.contains(&text) {
                found.push(text);
            }
        }
        if all > FOUND {
            found.push(format!("and {} more", all - FOUND));
        }
        if found.is_empty() {
            found.push(nothing.to_owned());
        }
        Measured { state, found, command: self.command, acts: self.acts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::Host;

    #[test]
    fn the_command_that_is_shown_is_that_of_the_gateway_that_is_looked_at() {
        let commands = |host: &Host| {
            let (case, diagnosis) = (host.case(), host.diagnose());
            let sight = Sight::new(&case, &diagnosis, None);
            (sight.shows_config().join(" "), sight.tests_config().join(" "))
        };
        let nginx = ("nginx -T".to_owned(), "nginx -t".to_owned());
        assert_eq!(commands(&Host::new()), nginx);
        let apache = ("apachectl -S".to_owned(), "apachectl -t".to_owned());
        assert_eq!(commands(&Host::apache()), apache);
        let haproxy = Host::new().gateway(|gateway| {
            gateway.kind = GatewayKind::Haproxy;
            gateway.config = "/etc/haproxy/haproxy.cfg".into();
        });
        assert_eq!(commands(&haproxy).1, "haproxy -c -f /etc/haproxy/haproxy.cfg");
    }
}
