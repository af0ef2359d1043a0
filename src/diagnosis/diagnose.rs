//! From a case to a diagnosis: cannot fail, reads no clock, gives the same bytes for the same case.

use std::cmp::Reverse;

use crate::{
    evidence::{CaseFile, Incident, Signatures, awaited, topology::Peer},
    observation::{
        BlindSpot, ContainerId, Gateway, GatewayId, KernelKill, Place, ProgramId, Protocol, Text,
        UnitActive, UnitName, UpstreamId, Wall,
    },
};

use super::{
    Changed, Confidence, Finding, Missing, Scene, Status, causes, changed, hidden, rank::rank,
    settle::settle, sight, status, words::CauseText,
};

/// One upstream as a report shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamRow {
    /// Identity.
    pub id: UpstreamId,
    /// Its gateway.
    pub gateway: GatewayId,
    /// The address as configured, or as written when a variable decides it.
    pub address: String,
    /// Group, if it is a member of one.
    pub group: Option<Text>,
    /// What is spoken to it.
    pub protocol: Protocol,
    /// Where it is configured.
    pub place: Place,
    /// `up`, `degraded`, `down`, `unknown`.
    pub state: &'static str,
    /// Why.
    pub reason: String,
    /// Socket addresses behind it now.
    pub resolved: Vec<String>,
    /// Unit behind it, or the one that should be.
    pub unit: Option<UnitName>,
    /// Whether that unit serves now.
    pub unit_serves: bool,
    /// Program of another manager behind it, or the one that should be.
    pub program: Option<ProgramId>,
    /// Main process behind it.
    pub pid: Option<u32>,
    /// Its name.
    pub process: Option<Text>,
    /// Container behind it.
    pub container: Option<(ContainerId, Text)>,
    /// Connections that wait, and the limit.
    pub queue: Option<(u32, u32)>,
    /// Error lines about it in the incident.
    pub errors: u64,
    /// Places that use it.
    pub routes: usize,
}

/// The result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// Time of the newest observation.
    pub as_of: Wall,
    /// The present.
    pub status: Status,
    /// When requests failed.
    pub incident: Incident,
    /// Gateways.
    pub gateways: Vec<Gateway>,
    /// Upstreams.
    pub upstreams: Vec<UpstreamRow>,
    /// Their indexes, those first that break first: sorted once, not for every frame.
    pub by_need: Vec<usize>,
    /// Causes that hold now, the first one being the root cause.
    pub findings: Vec<Finding>,
    /// Causes whose effect is over.
    pub recovered: Vec<Finding>,
    /// What changed on this host lately, the most suspicious first; bounded.
    pub changes: Vec<Changed>,
    /// Memory kills and failed units that no upstream leads to, or that are too old to matter.
    pub outside: Vec<String>,
    /// What is out of sight.
    pub blind_spots: Vec<BlindSpot>,
}

impl Diagnosis {
    /// What the status rests on when no request was seen.
    pub fn without_requests(&self) -> Option<&'static str> {
        if self.incident.traffic || self.gateways.is_empty() {
            return None;
        }
        Some(if self.status == Status::Unknown {
            "No request was seen lately, and whether requests fail is out of sight."
        } else {
            "No request was seen lately: the state of the chain decides."
        })
    }
}

/// Names the causes in a case.
pub fn diagnose(case: &CaseFile, signatures: &Signatures) -> Diagnosis {
    diagnose_scene(&Scene::new(case, signatures))
}

/// As [`diagnose`], for a case that has been joined already.
pub fn diagnose_scene(scene: &Scene<'_>) -> Diagnosis {
    let case = scene.case;
    let mut found = causes::judge_all(scene);
    for finding in &mut found {
        settle(scene, finding);
        admit_blindness(scene, finding);
        admit_haste(scene, finding);
    }
    let ranked = rank(scene, found);
    let status = status::judge(scene, &ranked);
    let (mut findings, recovered): (Vec<_>, Vec<_>) = ranked.into_iter().partition(|f| f.current);
    let upstreams: Vec<_> = scene.chains.iter().map(|chain| row(scene, chain)).collect();
    let changes = changed::align(scene, &upstreams, &mut findings);
    Diagnosis {
        as_of: case.now.wall,
        by_need: by_need(&upstreams),
        status,
        gateways: case.gateways.values().cloned().collect(),
        upstreams,
        changes,
        outside: outside(scene, &findings),
        findings,
        recovered,
        blind_spots: case
            .blind
            .values()
            .filter(|spot| !sight::is_covered(scene, spot))
            .cloned()
            .chain(hidden::by_configs(case))
            .collect(),
        incident: scene.incident.clone(),
    }
}

/// What is down first, then what has most errors.
fn by_need(rows: &[UpstreamRow]) -> Vec<usize> {
    let rank = |state: &str| match state {
        "down" => 0,
        "degraded" => 1,
        "unknown" => 2,
        _ => 3,
    };
    let key = |row: &UpstreamRow| (rank(row.state), Reverse(row.errors));
    let mut order: Vec<(_, &UpstreamRow, usize)> =
        rows.iter().enumerate().map(|(at, row)| (key(row), row, at)).collect();
    order.sort_unstable_by(|(a, one, x), (b, other, y)| {
        a.cmp(b)
            .then_with(|| one.place.cmp(&other.place))
            .then_with(|| one.id.cmp(&other.id))
            .then(x.cmp(y))
    });
    order.into_iter().map(|(_, _, at)| at).collect()
}

impl Diagnosis {
    /// The upstreams, those first that break first.
    pub fn ranked(&self) -> impl Iterator<Item = &UpstreamRow> {
        self.by_need.iter().filter_map(|at| self.upstreams.get(*at))
    }
}

/// A cause whose deciding sources are all blind is at most possible.
fn admit_blindness(scene: &Scene<'_>, finding: &mut Finding) {
    let Some(text) = CauseText::get(finding.cause) else { return };
    let sources = &text.deciding_sources;
    if sources.is_empty() || !sources.iter().all(|s| scene.blind(*s)) {
        return;
    }
    finding.confidence = Confidence::Possible;
    for source in sources {
        if !finding.missing.iter().any(|m| m.source == *source) {
            let what = "what decides this cause".to_owned();
            finding.missing.push(Missing { what, source: *source });
        }
    }
}

/// Before everybody has looked a cause is at most possible: the next source may speak against it.
fn admit_haste(scene: &Scene<'_>, finding: &mut Finding) {
    let awaited = awaited(scene.case, finding.subject.gateway.as_ref());
    if awaited.is_empty() {
        return;
    }
    finding.confidence = Confidence::Possible;
    for source in awaited {
        if !finding.missing.iter().any(|m| m.source == source) {
            let what = "what it sees: it has not looked yet".to_owned();
            finding.missing.push(Missing { what, source });
        }
    }
}

fn row<'a>(scene: &Scene<'a>, chain: &crate::evidence::topology::Chain<'a>) -> UpstreamRow {
    use crate::evidence::topology::PeerState;
    let upstream = chain.upstream;
    let peer = chain.peers.iter().min_by_key(|p| p.state);
    let errors = scene.lines_on(chain).count() as u64;
    let half =
        chain.state == PeerState::Up && chain.peers.iter().any(|p| p.state == PeerState::Down);
    let state = match chain.state {
        PeerState::Up if half => "degraded",
        PeerState::Up => "up",
        PeerState::Strained => "degraded",
        PeerState::Down => "down",
        PeerState::Unknown => "unknown",
    };
    UpstreamRow {
        id: upstream.id.clone(),
        gateway: chain.gateway.id.clone(),
        address: upstream
            .address
            .as_ref()
            .map_or_else(|| upstream.written.to_string(), ToString::to_string),
        group: upstream.group.clone(),
        protocol: upstream.protocol,
        place: upstream.place.clone(),
        state,
        reason: if half {
            "one of its addresses fails".to_owned()
        } else {
            chain.reason.to_owned()
        },
        resolved: chain.peers.iter().map(|p| p.address.to_string()).collect(),
        unit: peer.and_then(Peer::responsible_unit).map(|u| u.name.clone()),
        unit_serves: peer.is_some_and(|p| p.unit.is_some() || p.program.is_some()),
        program: peer.and_then(Peer::responsible_program).map(|p| p.id.clone()),
        pid: peer.and_then(|p| p.listener).and_then(|l| l.pids.first().copied()),
        process: peer.and_then(|p| p.processes.first()).map(|p| p.name.clone()),
        container: peer
            .and_then(Peer::responsible_container)
            .map(|c| (c.id.clone(), c.name.clone())),
        queue: peer.and_then(|p| p.listener).and_then(|l| l.queue.zip(l.backlog)),
        errors,
        routes: upstream.routes.len(),
    }
}

/// What catches the eye on this host and has no part in the incident.
fn outside(scene: &Scene<'_>, findings: &[Finding]) -> Vec<String> {
    const SHOWN: usize = 20;
    let blamed = |kill: &KernelKill| {
        findings.iter().any(|f| f.evidence.iter().any(|e| e.what == kill.text.to_string()))
    };
    let mut list = Vec::new();
    for kill in scene.case.kills.iter().rev().filter(|k| !blamed(k)) {
        let whose = match &kill.owner {
            Some(crate::observation::Owner::Unit(unit)) => unit.to_string(),
            Some(crate::observation::Owner::Container(id)) => format!("container {id}"),
            Some(crate::observation::Owner::Program(id)) => id.to_string(),
            None => "no unit".to_owned(),
        };
        list.push(format!("memory kill of {} ({whose}) at {}", kill.name, kill.at));
    }
    for unit in scene.case.units.values().filter(|u| u.active == UnitActive::Failed) {
        if !findings.iter().any(|f| f.subject.unit.as_ref() == Some(&unit.name)) {
            list.push(format!("{} is failed; no upstream leads to it", unit.name));
        }
    }
    list.truncate(SHOWN);
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        diagnosis::testing::{Host, case_of, container, container_id, unit},
        observation::{
            FirewallVerdict, Observation, ProbeOutcome, ResolutionOutcome, SocketFileKind, SourceId,
        },
    };

    const AT: &str = "127.0.0.1:8000";
    const SOCKET: &str = "unix:/run/php/php8.2-fpm.sock";

    /// A host on which everything goes wrong at once.
    fn everything() -> Vec<Observation> {
        let killed = container("cache").publishes(8004, 80).exited(137, 40);
        Host::new()
            .group("pool", &[AT, "127.0.0.1:8001"])
            .upstream_with(SOCKET, |u| u.protocol = Protocol::Fastcgi)
            .upstream_with("127.0.0.1:8003", |u| u.keepalive = 8)
            .upstream("127.0.0.1:8004")
            .upstream("172.17.0.2:80")
            .upstream("shop.internal:80")
            .unit(unit("a.service").claims(AT).killed(9, 60))
            .unit(unit("b.service").claims("127.0.0.1:8001").exited(78, 70).restarts(6, "always"))
            .unit(unit("php8.2-fpm.service").claims(SOCKET).up_since(5))
            .serves("c.service", "127.0.0.1:8003", 100)
            .process(200, "node", "d.service")
            .listens("127.0.0.1:3000", 200)
            .listens("[::1]:8000", 200)
            .container(killed)
            .container(container("web").with(|c| c.id = container_id('d')))
            .listens_inside(2, &["127.0.0.1:80"])
            .probe("172.17.0.2:80", ProbeOutcome::ClosedAtOnce)
            .probe("127.0.0.1:8003", ProbeOutcome::TimedOut)
            .socket("/run/php/php8.2-fpm.sock", SocketFileKind::Missing, |_| {})
            .resolves("shop.internal", None, ResolutionOutcome::NxDomain)
            .filter(FirewallVerdict::Drop, "127.0.0.1:8003")
            .kill("/system.slice/a.service", 60, true)
            .kill("/system.slice/b.service", 9_000, false)
            .systemd("b.service", 70, "Main process exited, code=dumped, status=11/SEGV")
            .said("b.service", 71, "Error: listen EADDRINUSE: address already in use :::8001")
            .fpm(30, "[20-Nov-2026 13:59:30] WARNING: [pool www] child 1 exited on signal 9 (SIGKILL) after 2.0 seconds from start")
            .refused(10, AT)
            .refused(9, "127.0.0.1:8001")
            .no_such_socket(8, SOCKET)
            .closed(7, "127.0.0.1:8003")
            .reset(6, "172.17.0.2:80")
            .answered(5, 502, Some("502"))
            .answered(-90_000, 500, None)
            .blind(SourceId::Kernel)
            .blind(SourceId::Journal)
            .blind(SourceId::Docker)
            .observations()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn whatever_was_seen_in_whatever_order_gives_the_same_diagnosis_twice(
            seen in proptest::sample::subsequence(everything(), 0..=everything().len()).prop_shuffle()
        ) {
            let case = case_of(&seen);
            let first = diagnose(&case, Signatures::embedded());
            prop_assert_eq!(&first, &diagnose(&case, Signatures::embedded()));
            prop_assert_eq!(&first, &diagnose(&case_of(&seen), Signatures::embedded()));
            let ids: Vec<_> = first.findings.iter().map(|f| (f.cause, &f.subject)).collect();
            for (at, id) in ids.iter().enumerate() {
                prop_assert!(!ids[..at].contains(id), "{:?} is told twice", id);
            }
        }
    }

    #[test]
    fn an_empty_case_is_unknown_and_nothing_else() {
        let diagnosis = diagnose(&CaseFile::new(), Signatures::embedded());
        assert_eq!(diagnosis.status, Status::Unknown);
        assert!(diagnosis.findings.is_empty() && diagnosis.upstreams.is_empty());
    }

    #[test]
    fn without_requests_it_says_what_the_status_rests_on() {
        let quiet = Host::passing_to(AT).serves("shop.service", AT, 100);
        let words = |host: &Host| host.diagnose().without_requests().unwrap_or_default();
        assert!(words(&quiet).contains("the chain decides"));
        assert!(words(&quiet.clone().blind(SourceId::Logs)).contains("out of sight"));
        assert_eq!(quiet.traffic(1, 200, 9).diagnose().without_requests(), None);
    }

    #[test]
    fn a_finding_whose_every_deciding_source_is_blind_says_what_is_missing() {
        let found = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).stopped(60))
            .blind(SourceId::Units)
            .root("app-unit-stopped");
        assert_eq!(found.confidence, Confidence::Possible);
        assert!(found.missing.iter().any(|m| m.source == SourceId::Units));
    }

    /// A session in which the gateway was found and everybody but one source has looked since.
    fn begun(missing: Option<SourceId>) -> Vec<Observation> {
        use crate::observation::{Moment, Seen};
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).stopped(60))
            .refused(10, AT)
            .observations();
        let at = host.first().map_or(Moment::default(), |first| first.at);
        let sweep =
            |source, generation| Observation { at, source, seen: Seen::Swept { generation } };
        let first = SourceId::ALL.into_iter().map(|source| sweep(source, 0));
        let again = SourceId::ALL.into_iter().filter(|source| Some(*source) != missing);
        first.chain(host).chain(again.map(|source| sweep(source, 1))).collect()
    }

    #[test]
    fn nothing_is_confirmed_before_everybody_has_looked() {
        let sure = |seen: &[Observation]| {
            let diagnosis = diagnose(&case_of(seen), Signatures::embedded());
            let found = diagnosis.findings.into_iter().next().unwrap();
            assert_eq!(found.cause, "app-unit-stopped");
            (found.confidence, found.missing.iter().map(|m| m.source).collect::<Vec<_>>())
        };
        assert_eq!(sure(&begun(None)).0, Confidence::Confirmed);
        let (confidence, missing) = sure(&begun(Some(SourceId::Logs)));
        assert_eq!((confidence, missing), (Confidence::Possible, vec![SourceId::Logs]));
        // What changed and what old logs say decides nothing.
        assert_eq!(sure(&begun(Some(SourceId::Changes))).0, Confidence::Confirmed);
        // Nobody is waited for without end.
        let mut late = begun(Some(SourceId::Logs));
        let mut last = late.last().cloned().unwrap();
        last.at.boot.0 += 3_000_000;
        late.push(last);
        assert_eq!(sure(&late).0, Confidence::Confirmed);
    }
}
