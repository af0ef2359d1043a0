//! What every rule looks at: the case with its chains joined and its incident found.

use std::{cell::OnceCell, collections::BTreeMap};

use crate::{
    evidence::{
        CaseFile, Incident, LogFact, Signatures, incident,
        topology::{Candidate, Chain, Peer, PeerState, chains},
    },
    observation::{
        Address, Container, Gateway, GatewayId, GatewayKind, KernelKill, ManagedProgram, Origin,
        Owner, ProbeOutcome, ProgramId, ProgramState, SourceId, Unit, UnitActive, UnitName,
        UpstreamId, Wall,
    },
};

use super::{Confidence, Evidence, FindingSubject, lines_on::Lines, sight};

/// How long before the first failed request, and after it, a unit may go down to be thought of as
/// its reason, in seconds: the first request comes when somebody asks.
const WITH_BEFORE_SECS: i64 = 20;
const WITH_AFTER_SECS: i64 = 2;

/// The case, joined.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The case.
    pub case: &'a CaseFile,
    /// Signatures, for their words.
    pub signatures: &'a Signatures,
    /// Every upstream's chain.
    pub chains: Vec<Chain<'a>>,
    /// When requests failed.
    pub incident: Incident,
    /// What most rules ask for, joined when the first of them does.
    lines: OnceCell<Lines<'a>>,
    units: OnceCell<Vec<Backing<'a, Unit>>>,
    containers: OnceCell<Vec<Backing<'a, Container>>>,
    programs: OnceCell<Vec<Backing<'a, ManagedProgram>>>,
}

/// A unit that stands behind upstreams or should.
#[derive(Clone, Debug)]
pub struct Backing<'a, T> {
    /// The unit or container.
    pub who: &'a T,
    /// Indexes of the chains that it serves or should serve.
    pub chains: Vec<usize>,
    /// Whether one of its addresses is down because of it.
    pub missing: bool,
    /// How sure the link between address and unit is.
    pub link: Confidence,
    /// In words.
    pub link_words: Option<Evidence>,
}

impl<'a> Scene<'a> {
    /// Joins a case.
    pub fn new(case: &'a CaseFile, signatures: &'a Signatures) -> Self {
        Self {
            case,
            signatures,
            chains: chains(case).into_iter().filter(|chain| is_in_use(case, chain)).collect(),
            incident: incident(case, signatures),
            lines: OnceCell::new(),
            units: OnceCell::new(),
            containers: OnceCell::new(),
            programs: OnceCell::new(),
        }
    }

    /// Newest time of the case.
    pub const fn now(&self) -> Wall {
        self.case.now.wall
    }

    /// Every peer of every chain that counts.
    pub fn peers(&self) -> impl Iterator<Item = (&Chain<'a>, &Peer<'a>)> {
        let counting = self.chains.iter().filter(|chain| counts(chain));
        counting.flat_map(|chain| chain.peers.iter().map(move |peer| (chain, peer)))
    }

    /// Peers that fail a connect.
    pub fn down(&self) -> impl Iterator<Item = (&Chain<'a>, &Peer<'a>)> {
        self.peers()
            .filter(|(_, peer)| peer.state == PeerState::Down)
            .filter(|(chain, peer)| !self.is_passed_over(chain, peer))
    }

    /// Whether no request suffers from a dead address, because its gateway takes another one of the
    /// same name that lives: for certain where it dials them all, and as far as its log says where
    /// it chooses one.
    pub fn is_passed_over(&self, chain: &Chain<'a>, peer: &Peer<'a>) -> bool {
        let kind = chain.gateway.kind;
        let named = matches!(chain.upstream.address, Some(Address::Name { .. }));
        let slow = peer.probe.is_some_and(|p| p.outcome == ProbeOutcome::TimedOut);
        named
            && chain.state == PeerState::Up
            && kind != GatewayKind::Nginx
            && ((kind.dials_every_address() && !slow) || !self.failing_lately(&[chain.index]))
    }

    /// Facts with one of the signature ids, within the incident's window, oldest first.
    pub fn facts<'s>(&'s self, ids: &'s [&'s str]) -> impl DoubleEndedIterator<Item = &'s LogFact> {
        self.case
            .logs
            .since(self.incident.window)
            .filter(move |fact| ids.contains(&fact.signature.as_str()))
    }

    /// Facts of a gateway's log about one upstream.
    pub fn facts_on<'s>(
        &'s self,
        chain: &Chain<'a>,
        ids: &'s [&'s str],
    ) -> impl DoubleEndedIterator<Item = &'a LogFact> + use<'s, 'a> {
        self.lines_on(chain).filter(move |fact| ids.contains(&fact.signature.as_str()))
    }

    /// Every fact of a gateway's log about one upstream within the incident's window, oldest first.
    pub fn lines_on<'s>(
        &'s self,
        chain: &Chain<'a>,
    ) -> impl DoubleEndedIterator<Item = &'a LogFact> + use<'s, 'a> {
        let window = self.incident.window;
        self.all_lines_on(chain).filter(move |fact| fact.at >= window)
    }

    /// As [`Self::lines_on`], however old.
    pub fn all_lines_on<'s>(
        &'s self,
        chain: &Chain<'a>,
    ) -> impl DoubleEndedIterator<Item = &'a LogFact> + use<'s, 'a> {
        self.lines().of_chain(chain.index).iter().copied()
    }

    /// Chains that an address of a log line belongs to.
    pub fn chains_at<'s>(
        &'s self,
        address: &Address,
    ) -> impl Iterator<Item = &'s Chain<'a>> + use<'s, 'a> {
        self.lines().at(address).iter().filter_map(|index| self.chains.get(*index))
    }

    /// The chains of some upstreams, in the order given.
    pub fn chains_of<'s>(
        &'s self,
        upstreams: &'s [UpstreamId],
    ) -> impl Iterator<Item = &'s Chain<'a>> {
        let index = |id: &UpstreamId| self.lines().of_upstream(id);
        upstreams.iter().filter_map(index).filter_map(|index| self.chains.get(index))
    }

    fn lines(&self) -> &Lines<'a> {
        self.lines.get_or_init(|| Lines::join(self.case, &self.chains))
    }

    /// Facts about one unit: from its journal, or naming it, or from a log that only its program
    /// writes. Of a unit that is down, what it said in its last run counts however old it is:
    /// that state is still true.
    pub fn facts_of_unit<'s>(
        &'s self,
        unit: &'s Unit,
        ids: &'s [&'s str],
    ) -> impl DoubleEndedIterator<Item = &'s LogFact> {
        let down_since = unit.inactive_enter.or(unit.exec_exit).filter(|_| !unit.is_up());
        let from = match down_since {
            Some(at) => {
                let began = unit.exec_start.unwrap_or(at).min(at);
                self.incident.window.min(began.max(at.minus_secs(120)).minus_secs(5))
            }
            None => self.incident.window,
        };
        self.case.logs.since(from).filter(move |fact| {
            ids.contains(&fact.signature.as_str()) && fact_is_of_unit(fact, &unit.name)
        })
    }

    /// Facts about one unit since it last began to run, however old they are: what kept it from
    /// running again still does. Of one that never ran, all that are known.
    pub fn facts_since_start<'s>(
        &'s self,
        unit: &'s Unit,
        ids: &'s [&'s str],
    ) -> impl DoubleEndedIterator<Item = &'s LogFact> {
        let began = unit.exec_start.max(unit.active_enter);
        let from = began.map_or(Wall(i64::MIN), |at| at.minus_secs(2));
        self.case.logs.since(from).filter(move |fact| {
            ids.contains(&fact.signature.as_str()) && fact_is_of_unit(fact, &unit.name)
        })
    }

    /// Facts from one container's log.
    pub fn facts_of_container<'s>(
        &'s self,
        container: &'s Container,
        ids: &'s [&'s str],
    ) -> impl DoubleEndedIterator<Item = &'s LogFact> {
        self.facts(ids)
            .filter(move |f| matches!(&f.origin, Origin::ContainerLog(id) if *id == container.id))
    }

    /// Memory kills of an owner that count: inside the window, or what its present state still
    /// comes from.
    pub fn kills_of(&self, owner: &Owner, state_since: Option<Wall>) -> Vec<&'a KernelKill> {
        let from = match state_since {
            Some(at) => self.incident.window.min(at.minus_secs(30)),
            None => self.incident.window,
        };
        self.case.kills_of(owner, from)
    }

    /// Whether a source cannot see what would decide a cause.
    pub fn blind(&self, source: SourceId) -> bool {
        self.case.blind.iter().any(|((s, what), spot)| {
            *s == source && what.raw() != "owners" && !sight::is_covered(self, spot)
        })
    }

    /// A subject for some chains, by index.
    pub fn subject(&self, indexes: &[usize]) -> FindingSubject {
        let chains: Vec<&Chain<'a>> = indexes.iter().filter_map(|i| self.chains.get(*i)).collect();
        FindingSubject {
            gateway: chains.first().map(|c| c.gateway.id.clone()),
            upstreams: chains.iter().map(|c| c.upstream.id.clone()).collect(),
            address: chains.first().and_then(|c| {
                c.upstream.address.clone().or_else(|| c.peers.first().map(|p| p.address.clone()))
            }),
            ..FindingSubject::default()
        }
    }

    /// A subject for one chain.
    pub fn subject_of(&self, chain: &Chain<'a>) -> FindingSubject {
        let mut subject = self.subject(&[chain.index]);
        if let Some(peer) = chain.peers.iter().max_by_key(|p| p.state) {
            subject.unit = peer.responsible_unit().map(|u| u.name.clone());
            subject.program = peer.responsible_program().map(|p| p.id.clone());
            subject.container = peer.container.map(|c| (c.id.clone(), c.name.clone()));
        }
        subject
    }

    /// Gateways that run or should.
    pub fn gateways(&self) -> impl Iterator<Item = &'a Gateway> {
        self.case.gateways.values()
    }

    /// The unit of a gateway: the one that its processes are in, else, while it does not run, the
    /// only one that would run its program.
    pub fn unit_of_gateway(&self, gateway: &Gateway) -> Option<&'a Unit> {
        if let Some(name) = &gateway.unit {
            return self.case.units.get(name);
        }
        let program = gateway.kind.as_str();
        let runs = |unit: &&'a Unit| {
            unit.commands.iter().any(|command| {
                let first = command.raw().split_whitespace().next().unwrap_or_default();
                first.rsplit('/').next() == Some(program)
            })
        };
        let mut own = self.case.units.values().filter(runs);
        let down = !gateway.running && gateway.container.is_none();
        let only = own.next().filter(|_| down && own.next().is_none());
        // Apache is started by a script of another name.
        let packaged = || {
            let mut names = gateway.kind.units().iter().filter_map(|n| UnitName::new(*n).ok());
            names.find_map(|name| self.case.units.get(&name)).filter(|_| down)
        };
        only.or_else(packaged)
    }

    /// Units behind upstreams: those that serve and those that are missed.
    pub fn units(&self) -> &[Backing<'a, Unit>] {
        self.units.get_or_init(|| self.join_units())
    }

    /// Containers behind upstreams.
    pub fn containers(&self) -> &[Backing<'a, Container>] {
        self.containers.get_or_init(|| self.join_containers())
    }

    /// Programs of other managers behind upstreams: those that serve and those that are missed.
    pub fn programs(&self) -> &[Backing<'a, ManagedProgram>] {
        self.programs.get_or_init(|| self.join_programs())
    }

    fn join_programs(&self) -> Vec<Backing<'a, ManagedProgram>> {
        let mut all: BTreeMap<&ProgramId, Backing<'a, ManagedProgram>> = BTreeMap::new();
        for (index, chain) in self.chains.iter().enumerate().filter(|(_, c)| counts(c)) {
            for peer in &chain.peers {
                if let Some(program) = peer.program {
                    let entry = all.entry(&program.id).or_insert_with(|| backing(program));
                    entry.add(index, Confidence::Confirmed, None);
                }
                let missing = peer.state == PeerState::Down || intruded(peer);
                if !missing || peer.container.is_some() || peer.program.is_some() {
                    continue;
                }
                let first = peer.candidates.iter().find(|c| c.container.is_none());
                let Some((candidate, program)) = first.and_then(|c| Some((c, c.program?))) else {
                    continue;
                };
                let words = candidate.claim.map(|claim| Evidence {
                    what: format!("{} is to serve {}", program.id, peer.address),
                    origin: claim.origin.clone(),
                    at: None,
                });
                let entry = all.entry(&program.id).or_insert_with(|| backing(program));
                entry.missing = true;
                entry.add(index, link_strength(peer, candidate.weakness), words);
            }
        }
        all.into_values().collect()
    }

    fn join_units(&self) -> Vec<Backing<'a, Unit>> {
        let mut all: BTreeMap<&UnitName, Backing<'a, Unit>> = BTreeMap::new();
        for (index, chain) in self.chains.iter().enumerate().filter(|(_, c)| counts(c)) {
            for peer in &chain.peers {
                if let Some(unit) = peer.unit {
                    let backing = all.entry(&unit.name).or_insert_with(|| backing(unit));
                    backing.add(index, Confidence::Confirmed, None);
                }
                let missing = peer.state == PeerState::Down || intruded(peer);
                if !missing || peer.container.is_some() {
                    continue;
                }
                let first = peer.candidates.iter().find(|c| c.container.is_none());
                let Some((candidate, unit)) = first.and_then(|c| Some((c, c.unit?))) else {
                    continue;
                };
                let mut link = link_strength(peer, candidate.weakness);
                let mut words = candidate.claim.map(|claim| Evidence {
                    what: format!("{} is to serve {}", unit.name, peer.address),
                    origin: claim.origin.clone(),
                    at: None,
                });
                if self.went_with(candidate) {
                    link = link.max(Confidence::Likely);
                    words = Some(Evidence {
                        what: format!(
                            "{} is the only service that is down and names no address, and it went \
                             down when this began",
                            unit.name
                        ),
                        origin: Origin::Systemd(unit.name.clone()),
                        at: unit.inactive_enter,
                    });
                }
                let entry = all.entry(&unit.name).or_insert_with(|| backing(unit));
                entry.missing = true;
                entry.add(index, link, words);
            }
        }
        all.into_values().collect()
    }

    /// Whether a unit that nothing but elimination links to an address went down just before
    /// requests began to fail: then it is more than the one that is left.
    pub fn went_with(&self, candidate: &Candidate<'_>) -> bool {
        let down = candidate.unit.filter(|_| !candidate.is_claimed());
        let down = down.filter(|unit| unit.active == UnitActive::Failed);
        let at = down.and_then(|unit| unit.inactive_enter.or(unit.exec_exit));
        let first = self.incident.first;
        first.zip(at).is_some_and(|(first, at)| {
            let before = first.since(at).as_secs();
            (-WITH_AFTER_SECS..=WITH_BEFORE_SECS).contains(&before)
        })
    }

    fn join_containers(&self) -> Vec<Backing<'a, Container>> {
        let mut all: BTreeMap<&str, Backing<'a, Container>> = BTreeMap::new();
        for (index, chain) in self.chains.iter().enumerate().filter(|(_, c)| counts(c)) {
            for peer in &chain.peers {
                let down = peer.state == PeerState::Down;
                if let Some(container) = peer.container {
                    let entry =
                        all.entry(container.id.as_str()).or_insert_with(|| backing(container));
                    entry.missing |= down;
                    entry.add(index, Confidence::Confirmed, None);
                    continue;
                }
                // On the host's network only its own words tell which one served the address.
                let Some(candidate) = peer.candidates.first().filter(|_| down) else { continue };
                let Some(container) = candidate.container else { continue };
                let link = link_strength(peer, candidate.weakness);
                let words = candidate.claim.map(|claim| Evidence {
                    what: format!("{} is to serve {}", container.name, peer.address),
                    origin: claim.origin.clone(),
                    at: None,
                });
                let entry = all.entry(container.id.as_str()).or_insert_with(|| backing(container));
                entry.missing = true;
                entry.add(index, link, words);
            }
        }
        all.into_values().collect()
    }

    /// Whether one of the dead addresses of some chains has been served since a moment: who lost a
    /// socket since its start is not starting.
    pub fn has_listened_since(&self, indexes: &[usize], started: Wall) -> bool {
        let peers = indexes.iter().filter_map(|i| self.chains.get(*i)).flat_map(|c| &c.peers);
        peers
            .filter(|peer| peer.state == PeerState::Down)
            .any(|peer| self.case.listened_at(&peer.address).is_some_and(|at| at >= started))
    }

    /// Whether requests through one of these chains failed recently.
    pub fn failing_lately(&self, indexes: &[usize]) -> bool {
        let mut chains = indexes.iter().filter_map(|i| self.chains.get(*i));
        chains.any(|chain| self.lines_on(chain).next_back().is_some())
    }

    /// A log fact as evidence.
    pub fn quote(fact: &LogFact) -> Evidence {
        let text = fact.text.to_string();
        let what: String = text.chars().take(240).collect();
        let what = if what.len() < text.len() { format!("{what}…") } else { what };
        Evidence { what, origin: fact.origin.clone(), at: Some(fact.at) }
    }

    /// The gateway's own newest log line about one of the chains, as evidence of the symptom.
    pub fn symptom(&self, indexes: &[usize]) -> Option<Evidence> {
        let newest = |chain: &Chain<'a>| self.lines_on(chain).next_back().map(Self::quote);
        indexes.iter().filter_map(|i| self.chains.get(*i)).find_map(newest)
    }

    /// Whether this gateway's error log is being read.
    pub fn reads_error_log(&self, gateway: &GatewayId) -> bool {
        use crate::observation::LogKind;
        let Some(config) = self.case.configs.get(gateway) else { return false };
        config.logs.iter().filter(|l| l.kind == LogKind::Error).any(|log| sight::reads(self, log))
    }
}

/// Whether anybody asks through this gateway: one that does not run beside one that does, and has no
/// worker left, passes nothing on, and what stands behind it is no trouble now.
fn is_in_use(case: &CaseFile, chain: &Chain<'_>) -> bool {
    let gateway = chain.gateway;
    gateway.running || !gateway.workers.is_empty() || !case.gateways.values().any(|g| g.running)
}

/// Whether requests may go to an upstream: an unused block, a server marked `down` and one that a
/// variable could choose and does not are nobody's trouble.
pub(super) fn counts(chain: &Chain<'_>) -> bool {
    !chain.upstream.params.down && !chain.upstream.routes.is_empty() && !chain.idle
}

/// Whether somebody else answers on an address whose rightful unit is not up.
pub(super) fn intruded(peer: &Peer<'_>) -> bool {
    let Some(candidate) = peer.candidates.iter().find(|c| c.is_claimed()) else { return false };
    if let Some(program) = candidate.program {
        // What its manager does not try to start has no need of the address.
        let tries = matches!(
            program.state,
            ProgramState::GaveUp | ProgramState::Waiting | ProgramState::Starting
        );
        return peer.listener.is_some() && peer.program.is_none() && tries;
    }
    let Some(unit) = candidate.unit else { return false };
    // Of two units that are made for the same address (blue and green), the one that has it is no
    // intruder.
    let rightful = peer.unit.is_some_and(|holder| {
        let same = |c: &Candidate<'_>| c.unit.is_some_and(|u| u.name == holder.name);
        peer.candidates.iter().any(|c| c.claim.is_some() && same(c))
    });
    peer.listener.is_some() && !rightful && !unit.is_up()
}

const fn backing<T>(who: &T) -> Backing<'_, T> {
    Backing {
        who,
        chains: Vec::new(),
        missing: false,
        link: Confidence::Possible,
        link_words: None,
    }
}

impl<T> Backing<'_, T> {
    fn add(&mut self, index: usize, link: Confidence, words: Option<Evidence>) {
        // Chains come in their order.
        if self.chains.last() != Some(&index) {
            self.chains.push(index);
        }
        self.link = self.link.max(link);
        self.link_words = self.link_words.take().or(words);
    }
}

fn link_strength(peer: &Peer<'_>, weakness: u8) -> Confidence {
    let rivals = peer.candidates.iter().filter(|c| c.weakness <= weakness).count();
    match (weakness, rivals) {
        (0..=3, _) | (5, 1) => Confidence::Confirmed,
        (9, _) => Confidence::Possible,
        _ => Confidence::Likely,
    }
}

fn fact_is_of_unit(fact: &LogFact, unit: &UnitName) -> bool {
    use crate::observation::Program;
    let named = |key: &str| fact.captures.get(key).is_some_and(|v| v.raw() == unit.as_str());
    match &fact.origin {
        Origin::Journal(name) => name == unit,
        // php-fpm's own log names no unit: it is of the unit of the same program version.
        Origin::File(path) if fact.program == Program::PhpFpm => {
            let stem = unit.as_str().trim_end_matches(".service");
            path.raw().contains(stem) || stem.contains("fpm")
        }
        _ => named("unit") || named("u2"),
    }
}
