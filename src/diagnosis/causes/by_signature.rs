//! Causes whose proof is a log line alone: the gateway's own word about an upstream, or the own
//! word of the unit or container behind it. Rules with a closer look stand in files of their own.

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Confidence, Finding, Scene, words},
    evidence::LogFact,
    observation::Wall,
};

use super::{by_upstream_line::still_current, rule::about_unit};

/// Signature ids that have a rule of their own, or are context that proves nothing alone.
fn is_judged_elsewhere(id: &str) -> bool {
    const CONTEXT: [&str; 22] = [
        "upstream-all-banned",
        "client-abort-499",
        "app-exited-expected",
        "app-slow",
        "app-unit-result",
        "app-worker-terminated",
        "app-stop-sigkill",
        "fpm-reload",
        "fpm-emergency-restart",
        "php-script-not-found",
        "php-ext-denied",
        "host-fd-limit",
        "oom-any",
        "oom-cgroup",
        "protocol-mismatch",
        "protocol-grpc-error",
        "response-truncated",
        "request-body-too-large-413",
        "app-exception-500",
        "php-fatal",
        "app-uncaught-exception",
        "app-worker-exit",
    ];
    id.starts_with("sym-") || CONTEXT.contains(&id) || super::rule_ids().any(|own| own == id)
}

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = on_upstreams(scene);
    found.extend(on_units(scene));
    found.extend(on_gateways(scene));
    found
}

/// Whether a request through one of the chains failed within seconds of a line.
pub(super) fn fails_with(scene: &Scene<'_>, chains: &[usize], at: Wall) -> bool {
    chains.iter().filter_map(|i| scene.chains.get(*i)).any(|chain| {
        let mut lines = scene.all_lines_on(chain);
        lines.any(|fact| fact.at >= at.minus_secs(3) && fact.at <= at.plus_secs(3))
    })
}

/// What a gateway says of itself, and of no upstream.
fn on_gateways(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways() {
        let mut by_id: BTreeMap<&'static str, Vec<&LogFact>> = BTreeMap::new();
        for fact in scene.case.logs.since(scene.incident.window) {
            let own = fact.gateway.as_ref() == Some(&gateway.id)
                && fact.program == gateway.kind.program();
            let tied = fact.address.as_ref().is_some_and(|a| scene.chains_at(a).next().is_some());
            if !own || tied || is_judged_elsewhere(fact.signature.as_str()) {
                continue;
            }
            if let Some(id) = cause_id(fact.signature.as_str()) {
                by_id.entry(id).or_default().push(fact);
            }
        }
        for (id, facts) in by_id {
            let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
            let file = last.captures.get("file").map(|f| format!(" ({f})")).unwrap_or_default();
            let mut finding = Finding::new(
                id,
                Confidence::Confirmed,
                format!("{}: {}{file} ({} times)", gateway.kind.as_str(), title(id), facts.len()),
            )
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
            finding.subject.gateway = Some(gateway.id.clone());
            finding.subject.path = last.captures.get("file").cloned();
            finding.current = still_current(scene, gateway.loaded, last.at);
            finding.next_check = words::CauseText::get(id).map(|t| t.next_check.clone());
            found.push(finding);
        }
    }
    found
}

fn title(id: &str) -> String {
    words::CauseText::get(id).map_or_else(|| id.replace('-', " "), |text| text.title.clone())
}

/// The static id of a cause, so that a finding can name it.
fn cause_id(id: &str) -> Option<&'static str> {
    words::CauseText::get(id).map(|text| text.id.as_str())
}

fn on_upstreams(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in &scene.chains {
        let mut by_id: BTreeMap<&'static str, Vec<&LogFact>> = BTreeMap::new();
        for fact in scene.lines_on(chain) {
            if is_judged_elsewhere(fact.signature.as_str()) {
                continue;
            }
            if let Some(id) = cause_id(fact.signature.as_str()) {
                by_id.entry(id).or_default().push(fact);
            }
        }
        for (id, facts) in by_id {
            let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
            let address = last.address.as_ref().map(ToString::to_string).unwrap_or_default();
            let mut finding = Finding::new(
                id,
                Confidence::Confirmed,
                format!("{}: {address} ({} times)", title(id), facts.len()),
            )
            .about(scene.subject_of(chain))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
            finding.current = still_current(scene, chain.gateway.loaded, last.at);
            finding.next_check = words::CauseText::get(id).map(|t| t.next_check.clone());
            found.push(finding);
        }
    }
    found
}

fn on_units(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.units() {
        if !backing.missing && !scene.failing_lately(&backing.chains) {
            continue;
        }
        let mut by_id: BTreeMap<&'static str, &LogFact> = BTreeMap::new();
        let ids: Vec<&str> = scene
            .case
            .logs
            .facts
            .iter()
            .map(|f| f.signature.as_str())
            .filter(|id| !is_judged_elsewhere(id))
            .collect();
        for fact in scene.facts_of_unit(backing.who, &ids) {
            // An application's own log convicts only what stands behind this upstream.
            if fact.gateway.is_none()
                && let Some(id) = cause_id(fact.signature.as_str())
            {
                by_id.insert(id, fact);
            }
        }
        for (id, fact) in by_id {
            let proven = backing.missing || fails_with(scene, &backing.chains, fact.at);
            let sure = if proven { Confidence::Confirmed } else { Confidence::Likely };
            let mut finding = about_unit(
                scene,
                backing,
                id,
                sure,
                format!("{}: {}", backing.who.name, title(id)),
            )
            .with_some(Some(Scene::quote(fact)));
            finding.since = Some(fact.at);
            finding.next_check = words::CauseText::get(id).map(|t| t.next_check.clone());
            found.push(finding);
        }
    }
    found
}
