//! Faults behind a Traefik that goes by the labels of containers: a host made up of what they say.

use super::testing::{ContainerSeen, Host, container, container_id};
use crate::{
    diagnosis::{Confidence, Status},
    observation::{
        Address, Claim, ClaimKind, Container, GatewayId, GatewayKind, Health, LabelProvider,
        LogTarget, Origin, Place, ProbeOutcome, Seen, Text, Timeouts, Transport, UpstreamTls,
    },
};

const AT: &str = "172.20.0.3:8000";
const LOG: &str = "/var/log/traefik.log";

/// Traefik in a container of its own, in the network `web`.
fn traefik() -> Host {
    let id = GatewayId("traefik:command line".into());
    let own = container("traefik").with(|c| {
        c.id = container_id('a');
        c.ips = vec![("web".into(), [172, 20, 0, 2].into())];
    });
    Host::new()
        .gateway(|g| {
            g.id = id.clone();
            g.kind = GatewayKind::Traefik;
            g.config = "command line".into();
            g.unit = None;
            g.container = Some(container_id('a'));
        })
        .config(|c| {
            c.gateway = id.clone();
            for log in &mut c.logs {
                *log = LogTarget { gateway: Some(id.clone()), path: LOG.into(), ..log.clone() };
            }
            let place = Place { file: "command line".into(), line: 0 };
            let transport = Transport {
                verify: true,
                tls: UpstreamTls::default(),
                timeouts: Timeouts::default(),
            };
            c.labels = Some(Box::new(LabelProvider {
                place,
                endpoint: "".into(),
                exposed_by_default: false,
                network: "".into(),
                default_rule: "".into(),
                constraints: "".into(),
                binds_host_port: false,
                entry_points: vec![("web".into(), "80".into())],
                transports: vec![("".into(), transport)],
                routes: Vec::new(),
            }));
        })
        .container(own)
}

/// The service `web` of Compose's project `shop`, on port 8000.
fn app() -> ContainerSeen {
    container("shop-web-1").with(|c| {
        c.compose = Some(("shop".into(), "web".into()));
        c.ips = vec![("web".into(), [172, 20, 0, 3].into())];
        label(c, "traefik.enable", "true");
        label(c, "traefik.http.routers.shop.rule", "Host(`shop.lan`)");
        let address = Address::Tcp(([0, 0, 0, 0], 8000).into());
        let origin = Origin::Docker(c.id.clone());
        c.claims = vec![Claim { address, kind: ClaimKind::Binding, origin }];
    })
}

fn label(c: &mut Container, name: &str, value: &str) {
    c.labels.push((Text::new(name), Text::new(value)));
}

#[test]
fn a_container_that_answers_is_no_trouble() {
    let host = traefik()
        .container(app())
        .listens_inside(2, &["0.0.0.0:8000"])
        .probe(AT, ProbeOutcome::Connected)
        .traffic(1, 200, 10);
    assert_eq!(host.causes(), Vec::<&str>::new());
}

#[test]
fn a_label_that_names_the_wrong_port_is_told_with_both() {
    let port = "traefik.http.services.shop.loadbalancer.server.port";
    let host = traefik()
        .container(app().with(|c| label(c, port, "9999")))
        .listens_inside(2, &["0.0.0.0:8000"])
        .probe("172.20.0.3:9999", ProbeOutcome::Refused)
        .answered(10, 502, None);
    let found = host.root("container-port-mapping-wrong");
    assert!(found.summary.contains("9999") && found.summary.contains("8000"), "{}", found.summary);
    host.incident_of(
        "container-port-mapping-wrong-label",
        "container-port-mapping-wrong",
        Confidence::Confirmed,
        "shop-web-1",
    );
}

#[test]
fn a_container_in_another_network_is_told_with_the_networks() {
    let apart = |c: &mut Container| c.ips = vec![("shop_default".into(), [172, 21, 0, 3].into())];
    let host = traefik()
        .container(app().with(apart))
        .listens_inside(2, &["0.0.0.0:8000"])
        .probe("172.21.0.3:8000", ProbeOutcome::TimedOut)
        .answered(10, 504, None);
    host.incident_of(
        "container-network-mismatch-label",
        "container-network-mismatch",
        Confidence::Confirmed,
        "shop-web-1",
    );
}

#[test]
fn a_container_that_is_asked_on_the_other_of_its_networks_is_told() {
    let both = |c: &mut Container| {
        c.ips.push(("shop_default".into(), [172, 21, 0, 3].into()));
    };
    let host = traefik()
        .container(app().with(both))
        .listens_inside(2, &["0.0.0.0:8000"])
        .probe(AT, ProbeOutcome::Connected);
    assert_eq!(host.clone().traffic(1, 200, 10).causes(), Vec::<&str>::new());
    let mut asked = host.answered(10, 504, None);
    for (_, seen) in &mut asked.more {
        if let Seen::Access(entry) = seen {
            entry.upstream_addr = Some("http://172.21.0.3:8000".into());
        }
    }
    let found = asked.root("container-network-mismatch");
    assert!(found.summary.contains("shop_default"), "{}", found.summary);
    let next = found.next_check.unwrap();
    assert!(next.contains("traefik.docker.network=web"), "{next}");
}

#[test]
fn a_container_that_fails_its_check_is_left_out_and_so_is_the_reason() {
    let sick = app().with(|c| {
        c.health = Health::Unhealthy;
        c.health_output = "curl: (7) Failed to connect".into();
    });
    let host = traefik()
        .container(sick)
        .listens_inside(2, &["0.0.0.0:8000"])
        .probe(AT, ProbeOutcome::Connected)
        .answered(10, 503, None);
    host.incident_of(
        "container-unhealthy-label",
        "container-unhealthy",
        Confidence::Confirmed,
        "shop-web-1",
    );
}

#[test]
fn a_container_that_crashed_is_missed_by_its_labels() {
    let host = traefik().container(app().exited(1, 60)).answered(10, 502, None);
    host.incident_of(
        "container-exited-label",
        "container-exited",
        Confidence::Confirmed,
        "shop-web-1",
    );
    assert_eq!(host.diagnose().status, Status::Failing);
}

#[test]
fn a_container_that_was_put_away_yesterday_is_missed_by_nobody() {
    let host = traefik().container(app().exited(0, 90_000)).traffic(1, 200, 10);
    assert_eq!(host.causes(), Vec::<&str>::new());
}
