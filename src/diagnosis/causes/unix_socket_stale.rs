//! A socket file is left over and nobody listens behind it.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::Listening,
    observation::{Address, Origin, ProbeOutcome, SocketFileKind},
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
        // A gateway does not remove what it left: that it does not run is the trouble.
        if is_of_a_gateway_that_is_down(scene, &peer.address) {
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

/// Whether a gateway that does not run is to listen on this socket.
fn is_of_a_gateway_that_is_down(scene: &Scene<'_>, address: &Address) -> bool {
    scene.gateways().filter(|gateway| !gateway.running).any(|gateway| {
        let config = scene.case.configs.get(&gateway.id);
        let mut listens = config.into_iter().flat_map(|c| &c.sites).flat_map(|s| &s.listens);
        listens.any(|listen| {
            let first = listen.raw().split_whitespace().next().unwrap_or_default();
            first.starts_with("unix:") && Address::parse(first, 0).as_ref() == Some(address)
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, unit},
        },
        observation::{ProbeOutcome, SocketFileKind},
    };

    const AT: &str = "unix:/run/shop.sock";

    fn left_over() -> Host {
        Host::passing_to(AT)
            .socket("/run/shop.sock", SocketFileKind::Socket, |_| {})
            .probe(AT, ProbeOutcome::Refused)
            .refused(10, AT)
    }

    #[test]
    fn a_socket_file_without_a_listener_is_left_over() {
        let found = left_over().root("unix-socket-stale");
        assert_eq!(found.subject.path, Some("/run/shop.sock".into()));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"sym-unix-refused"));
    }

    #[test]
    fn a_unit_that_is_down_leaves_its_file_behind_and_is_the_cause() {
        let host = left_over().unit(unit("shop.service").claims(AT).killed(9, 60));
        host.spares("unix-socket-stale");
        host.root("app-killed-not-restarted");
    }

    #[test]
    fn a_missing_file_is_not_a_stale_one() {
        Host::passing_to(AT)
            .socket("/run/shop.sock", SocketFileKind::Missing, |_| {})
            .no_such_socket(10, AT)
            .spares("unix-socket-stale");
    }

    #[test]
    fn a_socket_on_which_somebody_listens_is_not_stale() {
        Host::passing_to(AT)
            .socket("/run/shop.sock", SocketFileKind::Socket, |_| {})
            .serves("shop.service", AT, 100)
            .closed(10, AT)
            .spares("unix-socket-stale");
    }
}
