//! Whether failing requests would be seen: without that, silence is not health.

use crate::observation::{
    BlindSpot, Gateway, LogKind, LogTarget, Program, SourceId, TO_STREAM, Text,
};

use super::Scene;

/// Whether requests that fail at a gateway would show: all its access logs or all its error logs are
/// read, or it was seen to answer some requests and no log of others is out of sight.
pub(super) fn watches(scene: &Scene<'_>, gateway: &Gateway) -> bool {
    let since = scene.incident.window;
    let answers = || scene.case.access.totals(Some(&gateway.id), since).0 > 0;
    reads_all(scene, gateway, is_access)
        || reads_all(scene, gateway, is_error)
        || (answers() && !hides_some(scene, gateway))
}

/// Whether one access log of a gateway is read and another one is not: what was seen came from the
/// first, and the requests in the other one are unseen.
fn hides_some(scene: &Scene<'_>, gateway: &Gateway) -> bool {
    let config = scene.case.configs.get(&gateway.id);
    let logs = || config.into_iter().flat_map(|c| &c.logs).filter(|log| is_access(&log.kind));
    logs().any(|log| reads(scene, log)) && logs().any(|log| !reads(scene, log))
}

/// Whether every request of a gateway is written to an access log, and all those are read.
pub(super) fn sees_every_request(scene: &Scene<'_>, gateway: &Gateway) -> bool {
    let written = scene.case.configs.get(&gateway.id).is_some_and(|config| !config.unlogged);
    written && reads_all(scene, gateway, is_access)
}

/// Whether requests through some chains, by index, may fail unseen.
pub(super) fn hides_failures(scene: &Scene<'_>, chains: &[usize]) -> bool {
    let mut chains = chains.iter().filter_map(|index| scene.chains.get(*index));
    chains.any(|chain| !watches(scene, chain.gateway))
}

/// Whether a log of a gateway is read: as a file, or what a container writes to its output, of
/// which the engine gives the lines of the error log.
pub(super) fn reads(scene: &Scene<'_>, log: &LogTarget) -> bool {
    let case = scene.case;
    let spot = |what: Text| case.blind.get(&(SourceId::Logs, what));
    // The source as a whole, before it tells one log from another.
    if ["all", "log files"].into_iter().any(|whole| spot(Text::new(whole)).is_some()) {
        return false;
    }
    let Some(spot) = spot(Text::new(format!("{}{}", log.root.raw(), log.path.raw()))) else {
        return true;
    };
    let gateway = log.gateway.as_ref().and_then(|id| case.gateways.get(id));
    if gateway.is_some_and(|gateway| in_journal(scene, gateway, log)) {
        return true;
    }
    let container = gateway.and_then(|gateway| gateway.container.as_ref());
    spot.why.raw() == TO_STREAM
        && is_error(&log.kind)
        && container.is_some_and(|id| case.containers.contains_key(id))
        && !case.is_blind(SourceId::Docker)
}

/// Whether the lines of a log go to the journal of the gateway's unit, which is read: from its
/// standard error stream, or from the host's own syslog socket.
fn in_journal(scene: &Scene<'_>, gateway: &Gateway, log: &LogTarget) -> bool {
    let path = log.path.raw();
    let there = path == "stderr" || path.starts_with("syslog:server=/");
    there
        && gateway.kind.program() != Program::Nginx
        && gateway.unit.is_some()
        && gateway.container.is_none()
        && !scene.case.is_blind(SourceId::Journal)
}

/// Whether something that a source cannot see is seen by another one.
pub(super) fn is_covered(scene: &Scene<'_>, spot: &BlindSpot) -> bool {
    if spot.source != SourceId::Logs {
        return false;
    }
    let mut of_spot = scene
        .case
        .configs
        .values()
        .flat_map(|config| &config.logs)
        .filter(|log| spot.what.raw() == format!("{}{}", log.root.raw(), log.path.raw()))
        .peekable();
    of_spot.peek().is_some()
        && of_spot.all(|log| {
            let gateway = log.gateway.as_ref().and_then(|id| scene.case.gateways.get(id));
            gateway.is_some_and(|gateway| in_journal(scene, gateway, log))
        })
}

fn reads_all(scene: &Scene<'_>, gateway: &Gateway, kind: fn(&LogKind) -> bool) -> bool {
    let Some(config) = scene.case.configs.get(&gateway.id) else { return false };
    let mut logs = config.logs.iter().filter(|log| kind(&log.kind)).peekable();
    logs.peek().is_some() && logs.all(|log| reads(scene, log))
}

const fn is_access(kind: &LogKind) -> bool {
    matches!(kind, LogKind::Access(_))
}

const fn is_error(kind: &LogKind) -> bool {
    matches!(kind, LogKind::Error)
}
