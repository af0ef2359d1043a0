//! What remains to be said when nothing listens and nothing on this host is known to serve the
//! address: without systemd, or for a program that somebody started by hand.

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::counts},
    evidence::topology::{Listening, Nearness, Peer, PeerState},
    observation::{Address, Origin, SourceId},
};

use super::{
    proxy_not_running::is_awaited,
    unix_socket::{is_gone, is_hidden},
    upstream_port_wrong,
};

/// Listeners offered for a look.
const SHOWN: usize = 3;

/// One finding for each address of which nobody is known.
pub(super) fn judge(scene: &Scene<'_>, cause: &'static str) -> Vec<Finding> {
    let mut alone: BTreeMap<&Address, (Vec<usize>, &Peer<'_>)> = BTreeMap::new();
    for (index, chain) in scene.chains.iter().enumerate() {
        let fails = counts(chain) && chain.gateway.running && chain.state == PeerState::Down;
        for peer in chain.peers.iter().filter(|peer| fails && is_alone(scene, chain.upstream, peer))
        {
            alone.entry(&peer.address).or_insert_with(|| (Vec::new(), peer)).0.push(index);
        }
    }
    alone.into_values().map(|(chains, peer)| finding(scene, cause, &chains, peer)).collect()
}

/// Whether nothing listens at an address of this host, and nobody is known who should.
fn is_alone(
    scene: &Scene<'_>,
    upstream: &crate::observation::ConfiguredUpstream,
    peer: &Peer<'_>,
) -> bool {
    let gone = peer.socket.is_none_or(|socket| is_gone(socket) && !is_hidden(socket));
    // Another address of the same port, or a socket beside it, is an explanation of its own.
    let beside = peer
        .nearby
        .iter()
        .any(|near| matches!(near.nearness, Nearness::SamePort | Nearness::SameDirectory));
    peer.local
        && peer.listening == Listening::No
        && peer.container.is_none()
        && peer.candidates.is_empty()
        && !scene.gateways().any(|gateway| is_awaited(scene, gateway, peer))
        && gone
        && !beside
        && upstream_port_wrong::best(scene, upstream, peer)
            .is_none_or(|(_, sure)| sure == Confidence::Possible)
}

fn finding(scene: &Scene<'_>, cause: &'static str, chains: &[usize], peer: &Peer<'_>) -> Finding {
    let at = &peer.address;
    let mut subject = scene.subject(chains);
    subject.address = Some(at.clone());
    let summary = format!(
        "nothing listens on {at}, and no unit, container or process that this host shows is meant \
         to serve it"
    );
    let others: Vec<String> = peer
        .nearby
        .iter()
        .filter(|near| !near.used)
        .take(SHOWN)
        .map(|near| {
            let who = near.process.map_or_else(
                || "a process out of sight".to_owned(),
                |process| format!("{} ({})", process.name, process.pid),
            );
            format!("{who} on {}", near.listener.address)
        })
        .collect();
    let check = match others.join(", ") {
        none if none.is_empty() => format!("what is meant to serve {at}? Is it started?"),
        others => format!("is one of these meant? {others}. If not, what is, and is it started?"),
    };
    let mut finding = Finding::new(cause, Confidence::Possible, summary)
        .about(subject)
        .with(format!("no socket listens on {at}"), Origin::Sockets, None)
        .with_some(scene.symptom(chains))
        .since(scene.incident.first)
        .check(check);
    for (source, who) in [(SourceId::Units, "unit"), (SourceId::Docker, "container")] {
        if scene.blind(source) {
            finding = finding.unseen(format!("whether a stopped {who} should serve {at}"), source);
        }
    }
    finding
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence, Status,
            testing::{Host, address, container, unit},
        },
        observation::{ProbeOutcome, SocketFileKind, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    /// Without systemd, and the application is not running.
    fn bare() -> Host {
        Host::passing_to(AT).blind(SourceId::Units).refused(10, AT).probe(AT, ProbeOutcome::Refused)
    }

    #[test]
    fn an_address_that_nobody_is_known_to_serve_is_said_to_be_just_that() {
        let found = bare().root("app-unit-stopped");
        assert_eq!(found.confidence, Confidence::Possible);
        assert_eq!(found.subject.address, Some(address(AT)));
        assert_eq!(found.subject.unit, None);
        assert!(found.summary.contains("nothing listens on 127.0.0.1:8000"), "{}", found.summary);
        assert!(found.explains.contains(&"sym-tcp-refused"));
        assert!(found.missing.iter().any(|m| m.source == SourceId::Units));
        assert_eq!(bare().diagnose().status, Status::Failing);
    }

    #[test]
    fn a_stranger_on_another_port_is_not_accused_and_offered_for_a_look() {
        let host = bare().process(300, "python3", "init.scope").listens("127.0.0.1:9999", 300);
        host.spares("upstream-port-wrong");
        let found = host.root("app-unit-stopped");
        let check = found.next_check.expect("a check");
        assert!(check.contains("python3 (300) on 127.0.0.1:9999"), "{check}");
    }

    #[test]
    fn an_address_that_only_the_error_log_names_is_followed_like_a_written_one() {
        let open = |host: Host| {
            host.upstream_with(AT, |u| {
                u.address = None;
                u.per_request = true;
                u.written = "http://%{ENV:backend}/$1".into();
            })
        };
        let line = "[proxy:error] [pid 1:tid 2] (111)Connection refused: AH00957: HTTP: attempt to connect to 127.0.0.1:8000 (127.0.0.1:8000) failed";
        let host = open(Host::apache()).apache_said(10, line);
        let found = host.root("app-unit-stopped");
        assert_eq!(found.subject.address, Some(address(AT)));
        let known = host.unit(unit("shop.service").claims(AT).stopped(60));
        assert_eq!(known.root("app-unit-stopped").confidence, Confidence::Confirmed);
        // What another line of the configuration names is that one's, and an old line is over.
        let state = |host: &Host| host.look(|scene| scene.chains.first().map(|c| c.reason));
        let unknown = Some("decided by a variable at run time");
        assert_eq!(state(&open(Host::apache()).upstream(AT).apache_said(10, line)), unknown);
        assert_eq!(state(&open(Host::apache()).apache_said(4_000, line)), unknown);
    }

    #[test]
    fn two_vhosts_that_lead_to_one_address_are_one_finding() {
        let host = bare().upstream(AT);
        let found = host.root("app-unit-stopped");
        assert_eq!(found.subject.upstreams.len(), 2);
        assert_eq!(host.diagnose().findings.len(), 1);
    }

    #[test]
    fn a_socket_that_is_not_there_is_told_likewise() {
        const SOCKET: &str = "unix:/run/shop.sock";
        Host::passing_to(SOCKET)
            .socket("/run/shop.sock", SocketFileKind::Missing, |_| {})
            .blind(SourceId::Units)
            .no_such_socket(10, SOCKET)
            .root("app-unit-stopped");
    }

    #[test]
    fn it_is_silent_where_somebody_is_known() {
        let silent = |host: &Host| {
            let all = host.diagnose().findings;
            assert!(!all.iter().any(|f| f.summary.contains("no unit, container")), "{all:#?}");
        };
        silent(&bare().unit(unit("shop.service").claims(AT).exited(1, 60)));
        silent(&bare().container(container("shop").publishes(8000, 80).exited(1, 60)));
        // One that serves it on another family, or waits on another port in a unit of its own.
        silent(&bare().listens("[::1]:8000", 100));
        silent(
            &Host::passing_to(AT)
                .unit(unit("shop.service").up_since(9_000))
                .process(100, "node", "shop.service")
                .listens("127.0.0.1:3000", 100)
                .refused(10, AT),
        );
        silent(&Host::passing_to("10.9.9.9:8000").probe("10.9.9.9:8000", ProbeOutcome::Refused));
    }

    #[test]
    fn half_of_a_group_that_nobody_serves_is_told_while_the_other_half_serves() {
        let host = Host::new()
            .group("pool", &[AT, "127.0.0.1:8001"])
            .serves("a.service", "127.0.0.1:8001", 100)
            .traffic(1, 200, 10);
        assert_eq!(host.root("app-unit-stopped").subject.upstreams.len(), 1);
        assert_eq!(host.diagnose().status, Status::Degraded);
    }
}
