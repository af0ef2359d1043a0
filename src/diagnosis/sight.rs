//! Whether failing requests would be seen: without that, silence is not health.

use crate::observation::{Gateway, LogKind, LogTarget, SourceId, Text};

use super::Scene;

/// Whether requests that fail at a gateway would show: it was seen to answer some, or all its
/// access logs or all its error logs are read. Of a gateway in a container the engine gives both.
pub(super) fn watches(scene: &Scene<'_>, gateway: &Gateway) -> bool {
    let since = scene.incident.window;
    if scene.case.access.totals(Some(&gateway.id), since).0 > 0 {
        return true;
    }
    let engine = gateway.container.as_ref().is_some_and(|id| {
        scene.case.containers.contains_key(id) && !scene.case.is_blind(SourceId::Docker)
    });
    engine || reads_all(scene, gateway, is_access) || reads_all(scene, gateway, is_error)
}

/// Whether requests through some chains, by index, may fail unseen.
pub(super) fn hides_failures(scene: &Scene<'_>, chains: &[usize]) -> bool {
    let mut chains = chains.iter().filter_map(|index| scene.chains.get(*index));
    chains.any(|chain| !watches(scene, chain.gateway))
}

/// Whether a log of a gateway is read.
pub(super) fn reads(scene: &Scene<'_>, log: &LogTarget) -> bool {
    let path = Text::new(format!("{}{}", log.root.raw(), log.path.raw()));
    // The source as a whole, before it tells one log from another.
    let whole = ["all", "log files"].map(Text::new);
    !std::iter::once(&path)
        .chain(&whole)
        .any(|what| scene.case.blind.contains_key(&(SourceId::Logs, what.clone())))
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
