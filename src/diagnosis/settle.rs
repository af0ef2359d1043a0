//! Which findings are over: what they speak of was repaired, or has held since.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::{
    evidence::{
        LogFact,
        topology::{Chain, PeerState},
    },
    observation::{AccessEntry, ContainerState, GatewayId, Origin, Wall},
};

use super::{Evidence, Finding, Scene, sight::watches};

/// What failed and came back by itself is over after this long without a failure.
const QUIET: SignedDuration = SignedDuration::from_mins(5);

/// Marks a finding that is over. A start by hand after the last failure repairs at once; what
/// systemd or the engine started again by itself has to hold first.
pub(super) fn settle(scene: &Scene<'_>, finding: &mut Finding) {
    let chains: Vec<&Chain<'_>> = scene.chains_of(&finding.subject.upstreams).collect();
    let serve = chains.iter().all(|chain| chain.state == PeerState::Up);
    if serve && (repaired(scene, finding) || holds(scene, finding, &chains)) {
        finding.current = false;
    }
}

/// Whether somebody started the unit after the last failure.
fn repaired(scene: &Scene<'_>, finding: &Finding) -> bool {
    let Some(last) = scene.incident.last else { return false };
    let unit = finding.subject.unit.as_ref().and_then(|name| scene.case.units.get(name));
    let program = finding.subject.program.as_ref();
    let program = program.and_then(|id| scene.case.program(id)).map(|(_, program)| program);
    let started = match (unit, program) {
        (_, Some(p)) => {
            let again =
                p.started.is_some_and(|at| scene.case.programs.restarts_since(&p.id, at) > 0);
            p.started.filter(|_| p.is_up() && !again)
        }
        (Some(u), None) => u.exec_start.filter(|_| u.is_up() && u.restarts == 0),
        (None, None) => None,
    };
    let by_hand = started.is_some_and(|at| at > last.plus_secs(1));
    by_hand && finding.since.zip(started).is_some_and(|(at, s)| s > at)
}

/// Whether the unit or container runs, and nothing spoke for the finding and no request of its
/// upstreams failed for so long that the next failure would be due.
fn holds(scene: &Scene<'_>, finding: &Finding, chains: &[&Chain<'_>]) -> bool {
    let subject = &finding.subject;
    let unit = subject
        .unit
        .as_ref()
        .map(|name| scene.case.units.get(name).is_some_and(crate::observation::Unit::is_up));
    let program = subject
        .program
        .as_ref()
        .map(|id| scene.case.program(id).is_some_and(|(_, program)| program.is_up()));
    let container = subject.container.as_ref().map(|(id, _)| {
        scene.case.containers.get(id).is_some_and(|c| c.state == ContainerState::Running)
    });
    let keepers = [unit, program, container];
    let runs = keepers.iter().any(Option::is_some) && keepers.iter().all(|k| k.unwrap_or(true));
    if finding.evidence.iter().any(is_present) {
        return false;
    }
    if !runs || chains.is_empty() || !chains.iter().all(|c| watches(scene, c.gateway)) {
        return false;
    }
    let mut failures = failures(scene, chains);
    failures.extend(finding.evidence.iter().filter_map(|e| e.at).chain(finding.since));
    failures.sort_unstable();
    let Some(last) = failures.last() else { return false };
    // What fails every seven minutes is not over after six.
    let pauses = failures.windows(2).filter_map(|pair| match pair {
        [earlier, later] => Some(later.since(*earlier)),
        _ => None,
    });
    let rhythm = pauses.filter(|pause| *pause <= QUIET * 2).max().unwrap_or_default();
    scene.now().since(*last) > QUIET.max(rhythm + rhythm / 2)
}

/// Whether a piece of evidence is no event but a look at what is the case: that does not pass by
/// waiting.
const fn is_present(evidence: &Evidence) -> bool {
    evidence.at.is_none()
        && matches!(
            evidence.origin,
            Origin::Config(_)
                | Origin::Path(_)
                | Origin::Sockets
                | Origin::Process(_)
                | Origin::Probe
                | Origin::Resolver
                | Origin::Firewall
        )
}

/// When requests to some upstreams failed, or may have.
fn failures(scene: &Scene<'_>, chains: &[&Chain<'_>]) -> Vec<Wall> {
    let from = scene.incident.first.unwrap_or(scene.incident.window).min(scene.incident.window);
    let whose = Whose {
        scene,
        chains: chains.iter().map(|chain| chain.index).collect(),
        gateways: chains.iter().map(|chain| &chain.gateway.id).collect(),
        lines: scene.case.logs.since(from).filter(|fact| fact.address.is_some()).collect(),
    };
    let entries = scene.case.access.entries.iter().filter(|e| e.status >= 500 && e.at >= from);
    let mut times: Vec<Wall> =
        entries.filter(|entry| whose.may_be(entry)).map(|entry| entry.at).collect();
    times.extend(whose.lines.iter().filter(|fact| whose.speaks(fact)).map(|fact| fact.at));
    times
}

/// Tells whether failures belong to some upstreams.
struct Whose<'s, 'a> {
    scene: &'s Scene<'a>,
    chains: BTreeSet<usize>,
    gateways: BTreeSet<&'s GatewayId>,
    lines: Vec<&'a LogFact>,
}

impl Whose<'_, '_> {
    fn speaks(&self, fact: &LogFact) -> bool {
        fact.address.as_ref().is_some_and(|address| {
            let mut at = self.scene.chains_at(address);
            at.any(|c| {
                fact.gateway.as_ref() == Some(&c.gateway.id) && self.chains.contains(&c.index)
            })
        })
    }

    /// Whether a failed request went to one of the upstreams. Where the access log does not tell,
    /// it may have, unless the error log has a line about another one at that time.
    fn may_be(&self, entry: &AccessEntry) -> bool {
        if !self.gateways.contains(&entry.gateway) {
            return false;
        }
        if let Some(told) = &entry.upstream_addr {
            let mut parts = told.raw().split([',', ' ']).filter(|part| !part.is_empty());
            return parts.any(|part| {
                crate::observation::Address::parse(part, 80).is_some_and(|address| {
                    self.scene.chains_at(&address).any(|c| self.chains.contains(&c.index))
                })
            });
        }
        let about_another = |fact: &&LogFact| {
            fact.gateway.as_ref() == Some(&entry.gateway)
                && fact.at.since(entry.at).abs() <= SignedDuration::from_secs(1)
                && !self.speaks(fact)
        };
        !self.lines.iter().any(|fact| about_another(&fact))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Status,
            testing::{Host, container, unit},
        },
        observation::{ContainerState, ProbeOutcome, Protocol, SourceId, TlsAnswer},
    };

    const AT: &str = "127.0.0.1:8000";
    const B: &str = "127.0.0.1:8001";
    const GROUP: &str = "/system.slice/shop.service";

    /// Killed at its limit so long ago, started again by systemd, and serving since.
    fn killed(secs: i64) -> Host {
        let up = unit("shop.service").claims(AT).up_since(secs - 1).restarts(1, "always");
        Host::passing_to(AT)
            .unit(up)
            .process_since(100, "app", "shop.service", secs - 1)
            .listens(AT, 100)
            .probe(AT, ProbeOutcome::Connected)
            .kill(GROUP, secs, true)
            .closed(secs, AT)
            .answered(secs, 502, Some("502"))
            .traffic(2, 200, 40)
    }

    fn is_over(host: &Host, cause: &str) -> bool {
        let diagnosis = host.diagnose();
        let over = diagnosis.recovered.iter().any(|f| f.cause == cause);
        assert_ne!(over, diagnosis.findings.iter().any(|f| f.cause == cause), "{diagnosis:#?}");
        over
    }

    #[test]
    fn an_automatic_restart_that_held_for_five_minutes_is_a_recovery() {
        let host = killed(400);
        assert!(is_over(&host, "oom-cgroup-unit"));
        let diagnosis = host.diagnose();
        assert!(diagnosis.findings.is_empty(), "{:#?}", diagnosis.findings);
        assert_eq!(diagnosis.status, Status::Healthy);
    }

    #[test]
    fn one_that_held_for_four_minutes_may_still_fall() {
        assert!(!is_over(&killed(240), "oom-cgroup-unit"));
        assert_eq!(killed(240).diagnose().status, Status::Failing);
    }

    #[test]
    fn a_request_that_failed_since_takes_the_recovery_back() {
        assert!(!is_over(&killed(400).closed(30, AT), "oom-cgroup-unit"));
        assert!(!is_over(&killed(400).answered(30, 502, Some("502")), "oom-cgroup-unit"));
    }

    #[test]
    fn failures_of_another_upstream_keep_nothing_open() {
        let host = killed(400)
            .upstream(B)
            .unit(unit("blog.service").claims(B).stopped(100))
            .refused(30, B)
            .answered(30, 502, Some("502"));
        assert!(is_over(&host, "oom-cgroup-unit"));
        assert_eq!(host.root("app-unit-stopped").subject.upstreams.len(), 1);
    }

    #[test]
    fn what_crashes_every_seven_minutes_is_not_over_after_six() {
        let host = killed(380).closed(800, AT).kill(GROUP, 800, true);
        assert!(!is_over(&host, "oom-cgroup-unit"));
    }

    #[test]
    fn what_does_not_run_or_does_not_listen_has_not_recovered() {
        let gone = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).killed(9, 400))
            .kill(GROUP, 400, true)
            .closed(400, AT);
        assert!(!is_over(&gone, "oom-cgroup-unit"));
        let refuses = killed(400).probe(AT, ProbeOutcome::Refused);
        assert!(!is_over(&refuses, "oom-cgroup-unit"));
    }

    #[test]
    fn silence_of_logs_that_cannot_be_read_is_no_recovery() {
        let dark = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).up_since(399).restarts(1, "always"))
            .process_since(100, "app", "shop.service", 399)
            .listens(AT, 100)
            .kill(GROUP, 400, true)
            .closed(400, AT)
            .blind(SourceId::Logs);
        assert!(!is_over(&dark, "oom-cgroup-unit"));
    }

    #[test]
    fn a_mistake_that_still_stands_is_not_over_because_nobody_asked() {
        let host = Host::new()
            .upstream_with(AT, |u| u.protocol = Protocol::Https)
            .serves("shop.service", AT, 100)
            .probe_of(AT, AT, ProbeOutcome::Connected, Some(TlsAnswer::PlainHttp))
            .nginx(400, "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream", AT);
        assert!(!is_over(&host, "tls-to-plain-port"));
    }

    fn restarted_container(secs: i64) -> Host {
        let up = container("shop").publishes(8000, 80).with(|c| {
            c.restarts = 1;
            c.restart_policy = "always".into();
            c.started = Some(crate::diagnosis::testing::ago(secs - 1));
            c.oom_killed = true;
        });
        let path = "/docker/".to_owned() + &"c".repeat(64);
        Host::passing_to(AT)
            .container(up)
            .listens(AT, 0)
            .probe(AT, ProbeOutcome::Connected)
            .kill(&path, secs, true)
            .reset(secs, AT)
            .answered(secs, 502, Some("502"))
            .traffic(2, 200, 40)
    }

    #[test]
    fn a_container_that_its_policy_started_again_recovers_likewise() {
        assert!(!is_over(&restarted_container(100), "container-oomkilled"));
        assert!(is_over(&restarted_container(400), "container-oomkilled"));
        let paused = container("shop").publishes(8000, 80).with(|c| {
            c.state = ContainerState::Paused;
        });
        let host = restarted_container(400).container(paused);
        assert!(host.diagnose().findings.iter().any(|f| f.cause == "container-paused"));
    }
}
