//! Tests of what a scene joins: the incident's window, and the chain behind an address.

use super::testing::{Host, ago, container, container_id, name, unit};
use crate::{
    evidence::topology::{Listening, PeerState},
    observation::{Owner, ProbeOutcome, ResolutionOutcome, SocketFileKind, UnitName},
};

const AT: &str = "127.0.0.1:8000";

fn failing(secs: &[i64]) -> Host {
    secs.iter().fold(Host::passing_to(AT), |host, s| host.answered(*s, 502, None))
}

#[test]
fn failures_close_together_are_one_incident_from_its_first() {
    failing(&[500, 300, 20]).look(|scene| {
        let incident = &scene.incident;
        assert_eq!((incident.first, incident.last), (Some(ago(500)), Some(ago(20))));
        assert_eq!((incident.failures, incident.present), (3, true));
        assert_eq!(incident.window, ago(560));
    });
}

#[test]
fn a_pause_of_more_than_ten_minutes_begins_a_new_incident() {
    failing(&[2_000, 1_900, 30, 20]).look(|scene| {
        assert_eq!(scene.incident.first, Some(ago(30)));
        assert_eq!(scene.incident.failures, 2);
    });
    failing(&[629, 30]).look(|scene| assert_eq!(scene.incident.first, Some(ago(629))));
    failing(&[631, 30]).look(|scene| assert_eq!(scene.incident.first, Some(ago(30))));
}

#[test]
fn an_incident_that_ended_leaves_the_quiet_window() {
    failing(&[400]).look(|scene| {
        assert!(!scene.incident.present);
        assert_eq!(scene.incident.window, ago(900));
    });
}

#[test]
fn a_stamp_far_in_the_future_begins_no_incident() {
    failing(&[-3_600]).look(|scene| assert_eq!(scene.incident.first, None));
    failing(&[-3_600, 20]).look(|scene| {
        assert_eq!((scene.incident.first, scene.incident.last), (Some(ago(20)), Some(ago(20))));
        assert_eq!(scene.incident.failures, 1);
    });
}

#[test]
fn a_clock_that_is_a_minute_ahead_is_forgiven() {
    failing(&[-60]).look(|scene| assert!(scene.incident.present));
}

#[test]
fn lines_of_the_error_log_count_when_there_is_no_access_log() {
    Host::passing_to(AT).refused(30, AT).refused(20, AT).look(|scene| {
        assert_eq!(scene.incident.failures, 2);
        assert_eq!(scene.incident.first, Some(ago(30)));
    });
}

#[test]
fn a_line_and_a_record_of_one_request_are_one_failure() {
    failing(&[20]).refused(20, AT).look(|scene| assert_eq!(scene.incident.failures, 1));
}

fn listening(wanted: &str, bound: &str, v6_only: Option<bool>) -> Listening {
    Host::passing_to(wanted)
        .listens_with(bound, 100, |l| l.v6_only = v6_only)
        .look(|scene| scene.chains[0].peers[0].listening)
}

#[test]
fn a_wildcard_serves_every_address_of_its_family() {
    assert_eq!(listening("127.0.0.1:8000", "0.0.0.0:8000", None), Listening::Yes);
    assert_eq!(listening("10.0.0.5:8000", "0.0.0.0:8000", None), Listening::Yes);
    assert_eq!(listening("[::1]:8000", "[::]:8000", None), Listening::Yes);
    assert_eq!(listening("[::1]:8000", "0.0.0.0:8000", None), Listening::No);
    assert_eq!(listening("127.0.0.1:8000", "0.0.0.0:8001", None), Listening::No);
}

#[test]
fn the_wildcard_of_ipv6_serves_ipv4_unless_it_says_not_to() {
    assert_eq!(listening(AT, "[::]:8000", Some(false)), Listening::Yes);
    assert_eq!(listening(AT, "[::]:8000", None), Listening::Yes);
    assert_eq!(listening(AT, "[::]:8000", Some(true)), Listening::No);
    assert_eq!(listening(AT, "[::ffff:127.0.0.1]:8000", None), Listening::Yes);
}

#[test]
fn a_datagram_socket_answers_nobody() {
    let host = Host::passing_to(AT).listens_with(AT, 100, |l| l.stream = false);
    host.look(|scene| assert_eq!(scene.chains[0].peers[0].listening, Listening::No));
}

#[test]
fn var_run_and_run_are_one_place() {
    let (new, old) = ("unix:/run/shop.sock", "unix:/var/run/shop.sock");
    assert_eq!(listening(old, new, None), Listening::Yes);
    assert_eq!(listening(new, old, None), Listening::Yes);
    assert_eq!(listening("unix:/var/lib/shop.sock", "unix:/lib/shop.sock", None), Listening::No);
    let down = Host::passing_to(old).unit(unit("shop.service").claims(new).stopped(60));
    assert_eq!(down.root("app-unit-stopped").subject.unit, Some(name("shop.service")));
}

#[test]
fn unix_sockets_that_could_not_be_listed_are_not_missing() {
    let mut host = Host::passing_to("unix:/run/shop.sock");
    host.table.unix_complete = false;
    host.look(|scene| assert_eq!(scene.chains[0].state, PeerState::Unknown));
}

#[test]
fn an_address_on_another_machine_cannot_be_told_by_our_sockets() {
    let far = Host::passing_to("10.9.9.9:8000");
    far.look(|scene| {
        assert_eq!(scene.chains[0].peers[0].listening, Listening::Unknown);
        assert!(!scene.chains[0].peers[0].local);
    });
}

fn behind(host: &Host) -> Option<Owner> {
    host.look(|scene| scene.chains[0].peers[0].owner())
}

#[test]
fn a_published_port_leads_to_its_container() {
    let shop = container("shop").publishes(8000, 80);
    let owner = Some(Owner::Container(container_id('c')));
    assert_eq!(behind(&Host::passing_to(AT).container(shop.clone()).listens(AT, 0)), owner);
    assert_eq!(behind(&Host::passing_to("10.0.0.5:8000").container(shop.clone())), owner);
    assert_eq!(behind(&Host::passing_to("172.17.0.2:80").container(shop.clone())), owner);
    assert_eq!(behind(&Host::passing_to("127.0.0.1:80").container(shop)), None);
}

#[test]
fn a_port_published_on_one_address_serves_no_other() {
    let shop = container("shop").publishes(8000, 80).with(|c| {
        c.ports[0].host_ip = [127, 0, 0, 1].into();
    });
    assert_eq!(behind(&Host::passing_to("10.0.0.5:8000").container(shop)), None);
}

#[test]
fn a_published_port_of_another_machine_leads_nowhere_here() {
    let shop = container("shop").publishes(8000, 80);
    assert_eq!(behind(&Host::passing_to("10.9.9.9:8000").container(shop)), None);
}

#[test]
fn a_container_on_the_hosts_network_serves_what_its_claims_say() {
    let shop = container("shop").exited(1, 60).with(|c| {
        c.host_network = true;
        c.claims = crate::observation::Unit::from(unit("x.service").claims(AT)).claims;
    });
    Host::passing_to(AT).container(shop).refused(10, AT).look(|scene| {
        let found = scene.chains[0].peers[0].responsible_container();
        assert_eq!(found.map(|c| c.name.raw()), Some("shop"));
    });
}

#[test]
fn a_name_with_several_addresses_is_up_while_one_of_them_answers() {
    let both = ResolutionOutcome::Found(vec![[127, 0, 0, 1].into(), [10, 0, 0, 5].into()]);
    let host = Host::passing_to("shop.internal:8000")
        .resolves("shop.internal", None, both)
        .listens(AT, 0)
        .probe_of("shop.internal:8000", AT, ProbeOutcome::Connected, None);
    host.look(|scene| {
        let states: Vec<_> = scene.chains[0].peers.iter().map(|p| p.state).collect();
        assert_eq!(states, [PeerState::Up, PeerState::Down]);
        assert_eq!(scene.chains[0].state, PeerState::Up);
    });
    assert_eq!(host.diagnose().upstreams[0].state, "degraded");
}

#[test]
fn a_name_is_looked_up_pending_or_gone() {
    let host = Host::passing_to("shop.internal:8000");
    host.look(|scene| assert_eq!(scene.chains[0].state, PeerState::Unknown));
    let gone = host.resolves("shop.internal", None, ResolutionOutcome::NxDomain);
    gone.look(|scene| assert_eq!(scene.chains[0].state, PeerState::Down));
}

#[test]
fn a_socket_unit_held_by_systemd_belongs_to_its_service() {
    let host = Host::passing_to(AT)
        .unit(unit("shop.service").claims(AT))
        .process(1, "systemd", "init.scope")
        .process(100, "app", "shop.service")
        .listens_with(AT, 1, |l| l.pids.push(100));
    assert_eq!(behind(&host), UnitName::new("shop.service").ok().map(Owner::Unit));
}

#[test]
fn a_socket_file_tells_more_than_the_table() {
    let at = "unix:/run/shop.sock";
    let reason = |kind| {
        Host::passing_to(at)
            .socket("/run/shop.sock", kind, |_| {})
            .look(|scene| scene.chains[0].reason)
    };
    assert_eq!(reason(SocketFileKind::Missing), "no such socket");
    assert_eq!(reason(SocketFileKind::ParentMissing), "no such directory");
    assert_eq!(reason(SocketFileKind::Other), "not a socket");
    assert_eq!(reason(SocketFileKind::Socket), "a socket file that nobody listens on");
}
