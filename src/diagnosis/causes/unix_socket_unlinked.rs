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

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, name, unit},
        },
        observation::SocketFileKind,
    };

    const AT: &str = "unix:/run/shop.sock";

    #[test]
    fn a_listener_whose_file_was_removed_needs_a_restart() {
        let host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .socket("/run/shop.sock", SocketFileKind::Missing, |_| {})
            .no_such_socket(10, AT);
        let found = host.root("unix-socket-unlinked");
        assert_eq!(found.subject.unit, Some(name("shop.service")));
        assert_eq!(found.subject.path, Some("/run/shop.sock".into()));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"sym-unix-missing"));
    }

    #[test]
    fn a_stopped_unit_took_its_file_with_it() {
        let host = Host::passing_to(AT)
            .unit(unit("shop.service").claims(AT).stopped(60))
            .socket("/run/shop.sock", SocketFileKind::Missing, |_| {})
            .no_such_socket(10, AT);
        host.spares("unix-socket-unlinked");
        host.root("app-unit-stopped");
    }
}
