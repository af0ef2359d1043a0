//! The gateway's worker may not write to the socket.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Access, Origin},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "unix-socket-permission", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Some(socket) = peer.socket else { continue };
        let line = scene.facts_on(chain, &["sym-unix-eacces"]).next_back();
        let confidence = match (&socket.access, line) {
            (Access::SocketDenied, _) => Confidence::Confirmed,
            (Access::Unknown, Some(_)) => Confidence::Possible,
            _ => continue,
        };
        let worker = chain
            .gateway
            .worker_uid
            .map_or_else(|| "the worker".to_owned(), |uid| format!("the worker (uid {uid})"));
        let summary = format!(
            "{worker} may not write to {} (mode {:04o}, owner {}:{})",
            socket.path,
            socket.mode & 0o7777,
            socket.uid,
            socket.gid
        );
        let mut subject = scene.subject_of(chain);
        subject.path = Some(socket.path.clone());
        found.push(
            Finding::new(RULE.cause, confidence, summary)
                .about(subject)
                .with(
                    format!("mode {:04o}, uid {}, gid {}", socket.mode & 0o7777, socket.uid, socket.gid),
                    Origin::Path(socket.path.clone()),
                    None,
                )
                .with_some(line.map(Scene::quote))
                .since(line.map(|f| f.at).or(scene.incident.first))
                .check("set listen.owner, listen.group and listen.mode (php-fpm) or the umask of the application, then restart it; a reload does not change the socket"),
        );
    }
    found
}
