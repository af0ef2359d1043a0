//! A socket file is left over and nobody listens behind it.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::Listening,
    observation::{Origin, ProbeOutcome, SocketFileKind},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "unix-socket-stale", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Some(socket) = peer.socket else { continue };
        let refused = peer.probe.is_some_and(|p| p.outcome == ProbeOutcome::Refused);
        let dead =
            peer.listening == Listening::No || (peer.listening == Listening::Unknown && refused);
        // A unit that is down leaves the file behind: then that is the cause.
        let down =
            peer.candidates.iter().any(|c| c.is_claimed() && c.unit.is_some_and(|u| !u.is_up()));
        if socket.kind != SocketFileKind::Socket || !dead || down {
            continue;
        }
        let mut subject = scene.subject_of(chain);
        subject.path = Some(socket.path.clone());
        found.push(
            Finding::new(
                RULE.cause,
                Confidence::Confirmed,
                format!("{} is a left-over file: no process listens on it", socket.path),
            )
            .about(subject)
            .with("the file is a socket", Origin::Path(socket.path.clone()), None)
            .with("no listening socket is bound to it", Origin::Sockets, None)
            .with_some(scene.facts_on(chain, &["sym-unix-refused"]).next_back().map(Scene::quote))
            .since(scene.incident.first)
            .check("restart the application: it removes the file and binds anew"),
        );
    }
    found
}
