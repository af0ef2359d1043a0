//! Somebody else holds the port or socket that the unit needs.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::intruded},
    observation::{Origin, Process, UnitActive},
};

use super::rule::{Rule, about_unit, missed_units};

pub(super) const RULE: Rule = Rule { cause: "app-port-in-use", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter(|b| !b.who.is_up())
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_of_unit(unit, &["app-port-in-use"]).next_back();
            let intruder = backing
                .chains
                .iter()
                .filter_map(|i| scene.chains.get(*i))
                .flat_map(|chain| &chain.peers)
                .find(|peer| intruded(peer));
            let holder: Option<&Process> =
                intruder.and_then(|peer| peer.processes.first().copied());
            if line.is_none() && intruder.is_none() {
                return None;
            }
            // Who held the socket when the unit ended is why it ended.
            let ended = unit.exec_exit.or(unit.inactive_enter);
            let before = holder.and_then(|p| p.started).zip(ended).is_some_and(|(s, e)| s <= e);
            let confidence = match (line, holder) {
                (Some(_), _) => Confidence::Confirmed,
                (None, Some(_)) if before && unit.active == UnitActive::Failed => {
                    Confidence::Confirmed
                }
                (None, Some(_)) => Confidence::Likely,
                (None, None) => Confidence::Possible,
            };
            let by = match holder {
                Some(p) => format!("process {} ({})", p.pid, p.name),
                None => "another process".to_owned(),
            };
            let address =
                intruder.map_or_else(|| "its address".to_owned(), |peer| peer.address.to_string());
            let summary = format!("{} cannot start: {address} is held by {by}", unit.name);
            let mut finding = about_unit(scene, &backing, RULE.cause, confidence, summary)
                .with_some(line.map(Scene::quote))
                .check("is the holder an old instance of the same program? look at its start time");
            if let Some(process) = holder {
                finding.subject.pid = Some(process.pid);
                finding = finding.with(
                    format!("{} holds {address}: {}", process.pid, process.command),
                    Origin::Process(process.pid),
                    process.started,
                );
            }
            Some(finding)
        })
        .collect()
}
