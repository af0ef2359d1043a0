//! The application listens, and the file that leads to its socket was removed.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::Listening,
    observation::{Origin, SocketFileKind},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "unix-socket-unlinked", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Some(socket) = peer.socket else { continue };
        let gone = matches!(socket.kind, SocketFileKind::Missing | SocketFileKind::ParentMissing);
        // The file may be there for others and hidden from the gateway by its own mounts.
        let hidden = socket.kind_outside == Some(SocketFileKind::Socket);
        if !gone || hidden || peer.listening != Listening::Yes {
            continue;
        }
        let line = scene.facts_on(chain, &["sym-unix-missing"]).next_back();
        let who =
            peer.responsible_unit().map_or_else(|| "a process".to_owned(), |u| u.name.to_string());
        let mut subject = scene.subject_of(chain);
        subject.path = Some(socket.path.clone());
        found.push(
            Finding::new(
                RULE.cause,
                Confidence::Confirmed,
                format!("{who} still listens, but the file {} was removed", socket.path),
            )
            .about(subject)
            .with(format!("a socket bound to {} is listening", socket.path), Origin::Sockets, None)
            .with("no such file", Origin::Path(socket.path.clone()), None)
            .with_some(line.map(Scene::quote))
            .since(line.map(|f| f.at).or(scene.incident.first))
            .check(format!(
                "restart {who}; a start does nothing and a reload keeps the removed socket"
            )),
        );
    }
    found
}
