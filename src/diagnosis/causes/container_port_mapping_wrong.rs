//! The published port leads to a port inside the container where nothing listens.

use crate::diagnosis::{Finding, Scene};

use super::{
    container_inside::look,
    rule::{Rule, about_container},
};

pub(super) const RULE: Rule = Rule { cause: "container-port-mapping-wrong", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .containers()
        .into_iter()
        .filter_map(|backing| {
            let inside = look(scene, &backing)?;
            if inside.listens.iter().any(|(_, port)| *port == inside.wanted) {
                return None;
            }
            let (_, port) = inside
                .listens
                .iter()
                .find(|(ip, _)| !ip.is_loopback())
                .or(inside.listens.first())?;
            let summary = format!(
                "the port of container {} leads to {} inside, the application listens on {port}",
                backing.who.name, inside.wanted
            );
            let mut finding =
                about_container(scene, &backing, RULE.cause, inside.confidence, summary).check(
                    format!("docker port {} and its image's documentation", backing.who.name),
                );
            finding.evidence.extend(inside.evidence);
            Some(finding)
        })
        .collect()
}
