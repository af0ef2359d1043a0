//! The application in the container listens on the container's own loopback only.

use crate::diagnosis::{Finding, Scene};

use super::{
    container_inside::look,
    rule::{Rule, about_container},
};

pub(super) const RULE: Rule = Rule { cause: "container-listens-loopback", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene
        .containers()
        .into_iter()
        .filter(|b| !b.who.host_network)
        .filter_map(|backing| {
            let inside = look(scene, &backing)?;
            let mut on_port = inside.listens.iter().filter(|(_, port)| *port == inside.wanted).peekable();
            on_port.peek()?;
            if !on_port.all(|(ip, _)| ip.is_loopback()) {
                return None;
            }
            let summary = format!(
                "the application in container {} listens on 127.0.0.1:{} inside, where nobody outside reaches it",
                backing.who.name, inside.wanted
            );
            let mut finding = about_container(scene, &backing, RULE.cause, inside.confidence, summary)
                .check("let the application bind 0.0.0.0 inside the container");
            finding.evidence.extend(inside.evidence);
            Some(finding)
        })
        .collect()
}
