//! The socket lies in a /tmp that the gateway does not see.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, SocketFileKind},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "unix-socket-private-tmp", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Some(socket) = peer.socket else { continue };
        let gone = matches!(socket.kind, SocketFileKind::Missing | SocketFileKind::ParentMissing);
        if !gone || socket.kind_outside != Some(SocketFileKind::Socket) {
            continue;
        }
        let mut subject = scene.subject_of(chain);
        subject.path = Some(socket.path.clone());
        found.push(
            Finding::new(
                RULE.cause,
                Confidence::Confirmed,
                format!("{} exists, but not in the file tree that the gateway sees (PrivateTmp= or another mount)", socket.path),
            )
            .about(subject)
            .with("a socket in the host's tree", Origin::Path(socket.path.clone()), None)
            .with("no such file in the gateway's tree", Origin::Process(chain.gateway.master.unwrap_or_default()), None)
            .with_some(scene.facts_on(chain, &["sym-unix-missing"]).next_back().map(Scene::quote))
            .since(scene.incident.first)
            .check("move the socket to /run (RuntimeDirectory= of the application's unit)"),
        );
    }
    found
}
