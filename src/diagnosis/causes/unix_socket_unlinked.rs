//! The application listens, and the file that leads to its socket was removed.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::Listening,
    observation::Origin,
};

use super::{
    rule::Rule,
    unix_socket::{gone, is_hidden},
};

pub(super) const RULE: Rule = Rule { cause: "unix-socket-unlinked", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    gone(scene)
        .filter(|gone| !is_hidden(gone.socket) && gone.peer.listening == Listening::Yes)
        .map(|gone| {
            let path = &gone.socket.path;
            let unit = gone.peer.responsible_unit();
            let who = unit.map_or_else(|| "a process".to_owned(), |unit| unit.name.to_string());
            let summary = format!("{who} still listens, but the file {path} was removed");
            let line = gone.symptom(scene);
            let since = line.as_ref().and_then(|line| line.at).or(scene.incident.first);
            gone.finding(scene, RULE.cause, Confidence::Confirmed, summary)
                .with(format!("a socket bound to {path} is listening"), Origin::Sockets, None)
                .with("no such file", Origin::Path(path.clone()), None)
                .with_some(line)
                .since(since)
                .check(format!(
                    "restart {who}; a start does nothing and a reload keeps the removed socket"
                ))
        })
        .collect()
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
