//! What the rules share whose proof is a line of a gateway that often names no upstream.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{Gateway, GatewayKind},
};

use super::by_upstream_line::{self, still_current};

/// One finding for each chain that such a line names, and one for each gateway of `kind` whose
/// lines name none.
pub(super) fn judge(
    scene: &Scene<'_>,
    kind: GatewayKind,
    cause: &'static str,
    ids: &[&str],
    summary: impl Fn(&str, usize) -> String,
) -> Vec<Finding> {
    let sure = Confidence::Confirmed;
    let mut found = by_upstream_line::judge(scene, cause, ids, sure, &summary);
    found.retain(|finding| {
        let gateway = finding.subject.gateway.as_ref().and_then(|id| scene.case.gateways.get(id));
        gateway.is_some_and(|gateway| gateway.kind == kind)
    });
    for gateway in scene.gateways().filter(|gateway| gateway.kind == kind) {
        let facts = nameless(scene, gateway, ids);
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let mut finding = Finding::new(cause, sure, summary("", facts.len()))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
        finding.subject.gateway = Some(gateway.id.clone());
        finding.current = still_current(scene, gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

/// Lines of a gateway about no upstream that is known.
pub(super) fn nameless<'a>(scene: &Scene<'a>, gateway: &Gateway, ids: &[&str]) -> Vec<&'a LogFact> {
    let tied = |fact: &LogFact| {
        let mut at = fact.address.iter().flat_map(|address| scene.chains_at(address));
        at.any(|chain| chain.gateway.id == gateway.id)
    };
    scene
        .case
        .logs
        .since(scene.incident.window)
        .filter(|fact| fact.gateway.as_ref() == Some(&gateway.id))
        .filter(|fact| ids.contains(&fact.signature.as_str()) && !tied(fact))
        .collect()
}
