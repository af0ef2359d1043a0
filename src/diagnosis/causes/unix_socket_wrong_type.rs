//! At the path of the socket stands something that cannot be connected to: a file, or a socket for
//! datagrams.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, ProbeOutcome, SocketFileKind, Text},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "unix-socket-wrong-type", judge };

/// `EPROTOTYPE`: the socket there is of another type.
const WRONG_TYPE: i32 = 91;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Some(path) = peer.address.path() else { continue };
        let line = scene.facts_on(chain, &[RULE.cause]).next_back();
        let no_socket = peer.socket.is_some_and(|socket| socket.kind == SocketFileKind::Other);
        let probed = peer.probe.map(|probe| &probe.outcome);
        let datagram = matches!(probed, Some(ProbeOutcome::Other(WRONG_TYPE)));
        // A probe that connects, or a listener, speaks of a socket that was put right since.
        let mended = matches!(probed, Some(ProbeOutcome::Connected | ProbeOutcome::QueueFull))
            || peer.listener.is_some();
        let what = match (no_socket, datagram, line) {
            (true, _, _) => "is no socket",
            (false, true, _) => "is a socket for datagrams, not for connections",
            (false, false, Some(_)) if !mended => "is a socket of another type",
            _ => continue,
        };
        let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, format!("{path} {what}"))
            .about(scene.subject_of(chain))
            .with_some(line.map(Scene::quote))
            .with_some(scene.symptom(&[chain.index]))
            .since(line.map(|l| l.at).or(scene.incident.first))
            .check(format!("stat {path}; ss -xlp src {path}"));
        finding.subject.path = Some(Text::new(path));
        if no_socket {
            let what = "what stands at the path is no socket";
            finding = finding.with(what, Origin::Path(Text::new(path)), None);
        }
        if datagram {
            let what = "a connect was refused with EPROTOTYPE (91)";
            finding = finding.with(what, Origin::Probe, None);
        }
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{ProbeOutcome, SocketFileKind},
    };

    const AT: &str = "unix:/run/shop.sock";
    const LINE: &str = "connect() to unix:/run/shop.sock failed (91: Protocol wrong type for socket) while connecting to upstream";

    fn host() -> Host {
        Host::passing_to(AT)
    }

    #[test]
    fn a_plain_file_in_the_place_of_the_socket_is_named() {
        let host = host().socket("/run/shop.sock", SocketFileKind::Other, |_| {}).refused(10, AT);
        host.incident("unix-socket-wrong-type", Confidence::Confirmed, r"/run/shop\.sock");
        assert!(host.root("unix-socket-wrong-type").explains.contains(&"sym-unix-refused"));
    }

    #[test]
    fn a_socket_for_datagrams_is_not_stale() {
        let host = host()
            .socket("/run/shop.sock", SocketFileKind::Socket, |_| {})
            .probe(AT, ProbeOutcome::Other(91))
            .nginx(10, LINE, AT);
        host.root("unix-socket-wrong-type");
    }

    #[test]
    fn a_socket_that_connects_again_is_not_blamed_for_an_old_line() {
        host()
            .socket("/run/shop.sock", SocketFileKind::Socket, |_| {})
            .listens(AT, 100)
            .probe(AT, ProbeOutcome::Connected)
            .nginx(100, LINE, AT)
            .spares("unix-socket-wrong-type");
    }

    #[test]
    fn a_socket_that_nobody_listens_on_is_stale_and_of_the_right_type() {
        host()
            .socket("/run/shop.sock", SocketFileKind::Socket, |_| {})
            .refused(10, AT)
            .spares("unix-socket-wrong-type");
    }
}
