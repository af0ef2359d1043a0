//! Whether anybody notices that a program runs and does not answer.

use crate::{
    diagnosis::{FindingSubject, Scene},
    evidence::topology::{Chain, Peer},
    observation::{GatewayKind, Health, Origin},
};

use super::{
    item::{Precaution, Row, Standing},
    kept::typed,
    route,
};

pub(super) const ROW: Row = Row {
    id: "health",
    title: "A health check",
    why: "A program that runs and does not answer is noticed before its users notice.",
    against: &[
        "app-frozen",
        "app-deadlock",
        "app-not-listening",
        "container-paused",
        "container-unhealthy",
        "proxy-read-timeout",
        "tcp-accept-queue-full",
        "unix-backlog-full",
        "fpm-max-children",
        "haproxy-server-down",
        "app-exception-500",
        "upstream-sent-5xx",
    ],
};

pub(super) fn judge(scene: &Scene<'_>, blamed: Option<&FindingSubject>) -> Vec<Precaution> {
    route::distinct(scene, blamed).into_iter().map(|chain| one(scene, chain)).collect()
}

fn one(scene: &Scene<'_>, chain: &Chain<'_>) -> Precaution {
    let whom = route::whom(chain);
    for member in route::members(scene, chain) {
        if let Some(check) = &member.upstream.params.check {
            let asks = if check.request.is_empty() {
                "its gateway connects to it from time to time".to_owned()
            } else {
                format!("its gateway asks it for {}", check.request)
            };
            return ROW
                .of(whom, Standing::Present)
                .says(asks, Some(Origin::Config(check.place.clone())));
        }
    }
    let mut containers = chain.peers.iter().filter_map(Peer::responsible_container);
    let mut units = chain.peers.iter().filter_map(Peer::responsible_unit);
    if let Some(checked) = containers.clone().find(|one| one.health != Health::None) {
        return ROW.of(whom, Standing::Present).says(
            format!("container {} checks itself", checked.name),
            Some(Origin::Docker(checked.id.clone())),
        );
    }
    if let Some((unit, us)) = units.clone().find_map(|unit| Some((unit, unit.watchdog_us?))) {
        return ROW.of(whom, Standing::Present).says(
            format!("systemd expects a sign of life of {} every {} s", unit.name, us / 1_000_000),
            Some(Origin::Systemd(unit.name.clone())),
        );
    }
    let row = ROW
        .of(whom, Standing::Lacking)
        .says("its gateway has no health check for it", Some(route::place(chain)));
    let place = chain.upstream.place.to_string();
    if let Some(container) = containers.next() {
        let row = row.says(
            format!("container {} has none either", container.name),
            Some(Origin::Docker(container.id.clone())),
        );
        let port = container.ports.first().map_or(80, |port| port.container_port);
        return row
            .add(
                "its Dockerfile, or healthcheck: of its Compose service",
                vec![format!("HEALTHCHECK --interval=10s --timeout=3s CMD wget -qO- http://127.0.0.1:{port}/ || exit 1")],
            )
            .mind("Ask a path that also touches what the program needs, and that costs little.");
    }
    let row = match units.next() {
        Some(unit) => {
            row.says("its unit has no WatchdogSec=", Some(Origin::Systemd(unit.name.clone())))
        }
        None => row,
    };
    added(row, chain, place)
}

fn added(row: Precaution, chain: &Chain<'_>, place: String) -> Precaution {
    let address = chain.upstream.written.to_string();
    let (place, lines) = match chain.gateway.kind {
        GatewayKind::Haproxy => (
            place,
            vec!["option httpchk GET /".to_owned(), format!("server … {address} check inter 5s")],
        ),
        GatewayKind::Apache => {
            (place, vec![format!("BalancerMember {address} hcmethod=GET hcuri=/ hcinterval=5")])
        }
        GatewayKind::Caddy => {
            (place, vec!["health_uri /".to_owned(), "health_interval 5s".to_owned()])
        }
        GatewayKind::Traefik => (
            place,
            vec!["healthCheck:".to_owned(), "  path: /".to_owned(), "  interval: 5s".to_owned()],
        ),
        GatewayKind::Envoy => (
            place,
            vec![
                "health_checks:".to_owned(),
                "- { timeout: 3s, interval: 5s, unhealthy_threshold: 2, healthy_threshold: 2, \
                 http_health_check: { path: / } }"
                    .to_owned(),
            ],
        ),
        // nginx itself checks nothing ahead of requests: something beside it has to ask.
        GatewayKind::Nginx => {
            let route = chain.upstream.routes.first();
            let name = route.and_then(|route| route.server_names.first());
            let host = name.map_or_else(|| "localhost".to_owned(), ToString::to_string);
            let command = typed(&[
                "curl",
                "-fsS",
                "-m",
                "5",
                "-o",
                "/dev/null",
                "-H",
                &format!("Host: {host}"),
                "http://127.0.0.1/",
            ]);
            (
                "/etc/cron.d/gateway-health (nginx has no active check of its own)".to_owned(),
                vec![format!(
                    "* * * * * root {command} || logger -p daemon.err -t gateway-health 'no answer'"
                )],
            )
        }
    };
    row.add(place, lines)
        .mind("Ask a path that also touches what the program needs, and that costs little.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, container},
        observation::HealthCheck,
    };

    const AT: &str = "127.0.0.1:8000";

    fn rows(host: &Host) -> Vec<Precaution> {
        host.look(|scene| judge(scene, None))
    }

    #[test]
    fn a_container_without_a_check_is_told_the_line_for_its_own_port() {
        let rows = rows(&Host::passing_to(AT).container(container("shop").publishes(8000, 3000)));
        assert_eq!(rows[0].standing, Standing::Lacking);
        assert!(rows[0].add.as_ref().unwrap().lines[0].contains("127.0.0.1:3000"));
    }

    #[test]
    fn a_check_of_the_gateway_or_of_the_container_is_one() {
        let check = HealthCheck { request: "GET /health".into(), ..HealthCheck::default() };
        let by_gateway = Host::new().upstream_with(AT, |u| u.params.check = Some(Box::new(check)));
        let rows = rows(&by_gateway);
        assert_eq!(rows[0].standing, Standing::Present);
        assert!(rows[0].evidence[0].what.contains("GET /health"));
        let own = container("shop").publishes(8000, 3000).with(|c| c.health = Health::Healthy);
        assert_eq!(self::rows(&Host::passing_to(AT).container(own))[0].standing, Standing::Present);
    }

    #[test]
    fn without_upstreams_there_is_nothing_to_check() {
        assert_eq!(rows(&Host::new()), []);
    }
}
