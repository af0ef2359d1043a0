//! The gateway's worker may not enter a directory on the way to the socket.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Access, Origin},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "unix-socket-dir-permission", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Some(socket) = peer.socket else { continue };
        let Access::DirectoryDenied(dir) = &socket.access else { continue };
        let line = scene.facts_on(chain, &["sym-unix-eacces"]).next_back();
        let mut subject = scene.subject_of(chain);
        subject.path = Some(dir.clone());
        found.push(
            Finding::new(
                RULE.cause,
                Confidence::Confirmed,
                format!("the worker may not enter {dir}, so it cannot reach {}", socket.path),
            )
            .about(subject)
            .with(
                format!("{dir} lacks search permission for the worker"),
                Origin::Path(dir.clone()),
                None,
            )
            .with_some(line.map(Scene::quote))
            .since(line.map(|f| f.at).or(scene.incident.first))
            .check(format!("namei -l {}", socket.path)),
        );
    }
    found
}
