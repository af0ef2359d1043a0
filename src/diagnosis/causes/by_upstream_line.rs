//! What the rules share whose proof is the gateway's own line about an upstream.

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::Wall,
};

/// One finding per chain that has such a line within the window.
pub(super) fn judge(
    scene: &Scene<'_>,
    cause: &'static str,
    ids: &[&str],
    confidence: Confidence,
    summary: impl Fn(&str, usize) -> String,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in &scene.chains {
        let facts: Vec<_> = scene.facts_on(chain, ids).collect();
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let address = last.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut finding = Finding::new(cause, confidence, summary(&address, facts.len()))
            .about(scene.subject_of(chain))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
        finding.current = still_current(scene, chain.gateway.loaded, last.at);
        let mut requests: BTreeMap<String, usize> = BTreeMap::new();
        for fact in facts.iter().filter_map(|f| f.request.as_ref()) {
            *requests.entry(fact.to_string()).or_default() += 1;
        }
        if let Some((request, n)) = requests.iter().max_by_key(|(_, n)| **n) {
            finding = finding.with(
                format!(
                    "{} request forms fail this way, most often {request} ({n} times)",
                    requests.len()
                ),
                last.origin.clone(),
                None,
            );
        }
        found.push(finding);
    }
    found
}

/// A line proves the present unless it is old or the gateway took a newer configuration since.
/// Log stamps are cut to whole seconds: a line may be up to one second younger than it says.
pub(super) fn still_current(scene: &Scene<'_>, loaded: Option<Wall>, last: Wall) -> bool {
    scene.now().since(last).as_secs() <= 300 && loaded.is_none_or(|at| at < last.plus_secs(1))
}
