//! Which finding comes first, and which ones are explained by another.

use std::cmp::Reverse;

use super::{
    Confidence, Finding, Scene,
    words::{CauseKind, CauseText},
};

/// Order among the states of a unit: the left one wins.
const STATES: [&str; 5] = [
    "app-start-limit-hit",
    "app-restart-loop",
    "app-unit-failed-exit",
    "app-killed-not-restarted",
    "app-unit-stopped",
];

/// Puts the findings in order and folds those that another one explains into it.
pub(super) fn rank(scene: &Scene<'_>, mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(key);
    found.dedup_by(|b, a| a.cause == b.cause && a.subject == b.subject);
    let mut kept: Vec<Finding> = Vec::new();
    for at in 0..found.len() {
        let Some(finding) = found.get(at) else { continue };
        let folded = found.iter().any(|other| explains(other, finding));
        if !folded {
            kept.push(finding.clone());
        }
    }
    for finding in found {
        let by = kept.iter_mut().find(|k| explains(k, &finding));
        if let Some(by) = by {
            if !by.explains.contains(&finding.cause) {
                by.explains.push(finding.cause);
            }
            for other in finding.explains {
                if !by.explains.contains(&other) && other != by.cause {
                    by.explains.push(other);
                }
            }
            for upstream in finding.subject.upstreams {
                if !by.subject.upstreams.contains(&upstream) {
                    by.subject.upstreams.push(upstream);
                }
            }
        }
    }
    for finding in &mut kept {
        add_symptoms(scene, finding);
    }
    kept
}

/// What sorts findings; nothing in it depends on a clock or on the order of the rules.
fn key(finding: &Finding) -> impl Ord + use<> {
    (
        !finding.current,
        Reverse(finding.confidence),
        tier(finding.cause),
        Reverse(finding.subject.upstreams.len()),
        finding.cause,
        finding.subject.clone(),
    )
}

fn tier(cause: &str) -> usize {
    if let Some(at) = STATES.iter().position(|state| *state == cause) {
        return 10 + at;
    }
    match CauseText::get(cause).map(|text| text.kind) {
        Some(CauseKind::Reason) => 0,
        Some(CauseKind::State) => 20,
        Some(CauseKind::Symptom) => 30,
        None => 25,
    }
}

fn explains(strong: &Finding, weak: &Finding) -> bool {
    if !strong.subject.overlaps(&weak.subject) || strong.current != weak.current {
        return false;
    }
    // A mere possibility explains nothing that is better founded than itself.
    if strong.confidence < weak.confidence && strong.confidence == Confidence::Possible {
        return false;
    }
    let by_state = match (position(strong.cause), position(weak.cause)) {
        (Some(a), Some(b)) => a < b && strong.subject.unit == weak.subject.unit,
        _ => false,
    };
    by_state
        || CauseText::get(strong.cause)
            .is_some_and(|text| text.explains.iter().any(|id| id == weak.cause))
}

fn position(cause: &str) -> Option<usize> {
    STATES.iter().position(|state| *state == cause)
}

/// Symptoms of the same upstreams that the log showed, as far as the cause is known to make them.
fn add_symptoms(scene: &Scene<'_>, finding: &mut Finding) {
    let Some(text) = CauseText::get(finding.cause) else { return };
    for symptom in text.explains.iter().filter(|id| id.starts_with("sym-")) {
        let seen = scene
            .chains
            .iter()
            .filter(|chain| finding.subject.upstreams.contains(&chain.upstream.id))
            .any(|chain| scene.facts_on(chain, &[symptom.as_str()]).next().is_some());
        if seen && !finding.explains.contains(&symptom.as_str()) {
            finding.explains.push(symptom.as_str());
        }
    }
}
