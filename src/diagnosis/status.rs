//! The present, in one word.

use std::collections::BTreeMap;

use crate::{
    evidence::topology::{Chain, Peer, PeerState},
    observation::{ProbeOutcome, SourceId},
};

use super::{Confidence, Finding, Scene};

/// The present state of the gateways of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Requests succeed.
    Healthy,
    /// Something is wrong and requests still succeed.
    Degraded,
    /// Requests fail.
    Failing,
    /// It cannot be told.
    #[default]
    Unknown,
}

impl Status {
    /// Its name in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
        }
    }

    /// The exit code that monitoring plugins use for it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Degraded => 1,
            Self::Failing => 2,
            Self::Unknown => 3,
        }
    }
}

/// A failure share below this still counts as "requests succeed".
const DEGRADED_SHARE: u64 = 5;

/// Judges the present.
pub(super) fn judge(scene: &Scene<'_>, findings: &[Finding]) -> Status {
    if scene.case.gateways.is_empty() || scene.case.configs.is_empty() && !any_not_running(findings)
    {
        return Status::Unknown;
    }
    let mut status = Status::Healthy;
    for (all, some) in groups(scene).into_values() {
        status = status.max(match (all, some) {
            (true, _) => Status::Failing,
            (false, true) => Status::Degraded,
            _ => Status::Healthy,
        });
    }
    for finding in findings.iter().filter(|f| f.current) {
        status = status.max(weight(finding));
        // A gateway that does not run answers nobody, whatever keeps it from running.
        let gateway = finding.subject.gateway.as_ref().and_then(|id| scene.case.gateways.get(id));
        let explains_it = finding.explains.contains(&"proxy-not-running");
        if explains_it && gateway.is_some_and(|g| !g.running) {
            status = Status::Failing;
        }
    }
    if scene.incident.present && !is_over(scene, findings) {
        status = status.max(arriving(scene));
    }
    let nothing_seen = scene.chains.iter().all(|c| c.state == PeerState::Unknown)
        && !scene.chains.is_empty()
        && !scene.incident.traffic;
    if status == Status::Healthy && nothing_seen {
        return Status::Unknown;
    }
    if status == Status::Healthy && !can_see(scene) {
        return Status::Unknown;
    }
    status
}

fn any_not_running(findings: &[Finding]) -> bool {
    findings.iter().any(|f| f.cause == "proxy-not-running")
}

/// Without listeners, probes and logs there is nothing to call healthy.
fn can_see(scene: &Scene<'_>) -> bool {
    let sockets = !scene.case.listeners.is_empty() || !scene.case.probes.is_empty();
    sockets || !scene.case.is_blind(SourceId::Logs)
}

/// Per gateway and group: whether no member can serve, and whether some cannot.
fn groups(scene: &Scene<'_>) -> BTreeMap<String, (bool, bool)> {
    let mut groups: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for chain in &scene.chains {
        if chain.upstream.params.down || chain.upstream.routes.is_empty() || !chain.gateway.running
        {
            continue;
        }
        let name = chain
            .upstream
            .group
            .as_ref()
            .map_or_else(|| chain.upstream.id.to_string(), ToString::to_string);
        let bad = cannot_serve(chain);
        let entry = groups.entry(format!("{} {name}", chain.gateway.id)).or_insert((true, false));
        entry.0 &= bad;
        entry.1 |= bad || chain.peers.iter().any(|p| p.state == PeerState::Down);
    }
    groups
}

fn cannot_serve(chain: &Chain<'_>) -> bool {
    match chain.state {
        PeerState::Down => true,
        PeerState::Strained => !chain.peers.iter().any(Peer::queue_full),
        PeerState::Up | PeerState::Unknown => false,
    }
}

fn weight(finding: &Finding) -> Status {
    // These are wrong while other requests may well succeed: the traffic says how bad it is.
    const PARTIAL: [&str; 4] = [
        "proxy-config-invalid",
        "response-header-too-big",
        "upstream-sent-5xx",
        "proxy-read-timeout",
    ];
    if finding.confidence == Confidence::Confirmed && !PARTIAL.contains(&finding.cause) {
        Status::Failing
    } else {
        Status::Degraded
    }
}

/// Failures arrive: failing, unless they are a small share of the traffic.
fn arriving(scene: &Scene<'_>) -> Status {
    let since = scene.incident.first.unwrap_or(scene.incident.window);
    let (all, failed) = scene.case.access.totals(None, since);
    if all > 0 && failed == 0 {
        // Error lines, and every client got its answer: retries hid them.
        return Status::Degraded;
    }
    let small = all > 100 && failed.saturating_mul(100) < all.saturating_mul(DEGRADED_SHARE);
    if small { Status::Degraded } else { Status::Failing }
}

/// Whether the failures seen speak of something that is gone: every upstream that failed was
/// changed or connects again since, and no finding holds on.
fn is_over(scene: &Scene<'_>, findings: &[Finding]) -> bool {
    if findings.iter().any(|f| f.current && f.confidence > Confidence::Possible) {
        return false;
    }
    let Some(last) = scene.incident.last else { return true };
    let mut failed = 0;
    for chain in &scene.chains {
        let newest = scene
            .case
            .logs
            .since(scene.incident.window)
            .filter(|f| f.gateway.as_ref() == Some(&chain.gateway.id))
            .rfind(|f| f.address.as_ref().is_some_and(|a| chain.has_address(a)));
        let Some(newest) = newest else { continue };
        failed += 1;
        let reloaded = chain.gateway.loaded.is_some_and(|at| at > newest.at);
        let restarted = chain.peers.iter().any(|p| {
            p.unit.and_then(|u| u.exec_start).is_some_and(|at| at > newest.at)
                || p.container.and_then(|c| c.started).is_some_and(|at| at > newest.at)
                || p.processes.iter().any(|x| x.started.is_some_and(|at| at > newest.at))
        });
        let connects = newest.signature.as_str().starts_with("sym-tcp-refused")
            || newest.signature.as_str().starts_with("sym-unix-");
        let up_again = chain.state == PeerState::Up
            && chain
                .peers
                .iter()
                .any(|p| p.probe.is_some_and(|x| x.outcome == ProbeOutcome::Connected));
        if !(reloaded || restarted || (connects && up_again)) {
            return false;
        }
    }
    // Failures in the access log that no error line explains are over when they are old.
    failed > 0 || scene.now().since(last).as_secs() > 60
}
