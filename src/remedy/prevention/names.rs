//! Whether a gateway follows a server that moves.

use std::net::IpAddr;

use crate::{
    diagnosis::{FindingSubject, Scene},
    evidence::topology::{Chain, Peer},
    observation::{Address, Container, GatewayKind, Origin, Text},
};

use super::{
    item::{Precaution, Row, Standing},
    route,
};

pub(super) const ROW: Row = Row {
    id: "names",
    title: "Addresses that stay, or a resolver that follows",
    why: "A server that gets another address does not take the site with it.",
    against: &[
        "dns-stale-ip",
        "container-stale-ip",
        "dns-nxdomain",
        "dns-server-failure",
        "dns-no-resolver",
        "dns-unresolvable-at-start",
        "dns-implicit-upstream-shadow",
    ],
};

pub(super) fn judge(scene: &Scene<'_>, blamed: Option<&FindingSubject>) -> Vec<Precaution> {
    let mut rows: Vec<Precaution> =
        route::distinct(scene, blamed).into_iter().filter_map(|chain| one(scene, chain)).collect();
    if rows.is_empty() && !scene.chains.is_empty() {
        let fixed = "every upstream has an address that stays: loopback, a socket or a fixed one";
        rows.push(ROW.of("all upstreams", Standing::Present).says(fixed, None));
    }
    rows
}

fn one(scene: &Scene<'_>, chain: &Chain<'_>) -> Option<Precaution> {
    let upstream = chain.upstream;
    match upstream.address.as_ref() {
        Some(Address::Name { host, port }) => Some(named(scene, chain, host, *port)),
        Some(Address::Tcp(at)) => {
            let container = moving(scene, chain, at.ip())?;
            let row = ROW.of(route::whom(chain), Standing::Lacking).says(
                format!("{at} is the address of container {}, which gets another one when it is made anew", container.name),
                Some(Origin::Docker(container.id.clone())),
            );
            let port = at.port();
            Some(
                row.add(
                    "the Compose service, or docker run -p",
                    vec!["ports:".to_owned(), format!("  - \"127.0.0.1:{port}:{port}\"")],
                )
                .then(format!("pass to 127.0.0.1:{port} in {}", upstream.place)),
            )
        }
        Some(Address::Unix(_)) => None,
        None => Some(match &upstream.resolver {
            Some(resolver) => ROW.of(route::whom(chain), Standing::Present).says(
                "it is looked up for each request",
                Some(Origin::Config(resolver.place.clone())),
            ),
            None => ROW.unseen(route::whom(chain), "a variable decides its address"),
        }),
    }
}

/// The container that has an address of an engine's network; gateways in containers reach each other
/// by name.
fn moving<'a>(scene: &Scene<'a>, chain: &Chain<'_>, ip: IpAddr) -> Option<&'a Container> {
    if ip.is_loopback() || ip.is_unspecified() {
        return None;
    }
    let behind = chain.peers.iter().find_map(Peer::responsible_container);
    let id = behind.map(|container| &container.id);
    let mut all = scene.case.containers.values();
    all.find(|one| {
        !one.host_network
            && one.ips.iter().any(|(_, own)| *own == ip)
            && id.is_none_or(|id| *id == one.id)
    })
}

fn named(scene: &Scene<'_>, chain: &Chain<'_>, host: &Text, port: u16) -> Precaution {
    let upstream = chain.upstream;
    let whom = route::whom(chain);
    let at = Some(route::place(chain));
    let present = |words: &str| ROW.of(whom.clone(), Standing::Present).says(words, at.clone());
    let lacking = |words: &str| ROW.of(whom.clone(), Standing::Lacking).says(words, at.clone());
    match chain.gateway.kind {
        GatewayKind::Nginx => {
            let follows = upstream.params.resolve
                || (upstream.per_request
                    && upstream.resolver.is_some()
                    && upstream.fixed_by.is_none());
            if follows {
                return present("its name is looked up again while nginx runs");
            }
            let row = match &upstream.fixed_by {
                Some(place) => lacking("its name is looked up when nginx starts and never again")
                    .says(
                        "this line makes nginx keep the first address",
                        Some(Origin::Config(place.clone())),
                    ),
                None => lacking("its name is looked up when nginx starts and never again"),
            };
            let server = resolver(scene, chain, host);
            row.add(
                upstream.place.to_string(),
                vec![
                    format!("resolver {server} valid=10s;"),
                    format!("set $backend {host}:{port};"),
                    format!("{}_pass {}$backend;", route::family(upstream.protocol), scheme(chain)),
                ],
            )
            .then("nginx -t && systemctl reload nginx")
            .mind("Write the server of /etc/resolv.conf where it is another one; from nginx 1.27.3 on, `resolve` at the server line does the same.")
        }
        GatewayKind::Haproxy if upstream.resolver.is_some() => {
            present("its name is looked up again while HAProxy runs")
        }
        GatewayKind::Haproxy => {
            lacking("its name is looked up when HAProxy starts and never again").add(
                upstream.place.to_string(),
                vec![
                    "resolvers host".to_owned(),
                    "    parse-resolv-conf".to_owned(),
                    format!("server … {host}:{port} resolvers host init-addr last,libc,none"),
                ],
            )
        }
        GatewayKind::Caddy | GatewayKind::Traefik => {
            present("its name is looked up for each new connection")
        }
        GatewayKind::Apache => ROW
            .unseen(whom, "Apache keeps an address as long as it keeps the connection")
            .add(upstream.place.to_string(), vec!["… addressttl=60".to_owned()])
            .mind("The parameter is known from Apache 2.4.59 on."),
        GatewayKind::Envoy => ROW.unseen(whom, "the type of the cluster decides it"),
    }
}

const fn scheme(chain: &Chain<'_>) -> &'static str {
    use crate::observation::Protocol;
    match chain.upstream.protocol {
        Protocol::Http => "http://",
        Protocol::Https => "https://",
        Protocol::Grpc => "grpc://",
        Protocol::Grpcs => "grpcs://",
        _ => "",
    }
}

/// The server that answered for a name, else the one that is most likely there.
fn resolver(scene: &Scene<'_>, chain: &Chain<'_>, host: &Text) -> String {
    if let Some(resolver) = &chain.upstream.resolver
        && let Some(server) = resolver.servers.first()
    {
        return server.to_string();
    }
    let mut asked = scene.case.resolutions.keys().filter(|(name, _)| name == host);
    match asked.find_map(|(_, server)| *server) {
        Some(server) if server.port() == 53 => server.ip().to_string(),
        Some(server) => server.to_string(),
        None if chain.gateway.container.is_some() => "127.0.0.11".to_owned(),
        None => "127.0.0.53".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, container},
        observation::Resolver,
    };

    fn rows(host: &Host) -> Vec<Precaution> {
        host.look(|scene| judge(scene, None))
    }

    #[test]
    fn a_name_that_nginx_looks_up_once_is_told_how_to_follow() {
        let row = rows(&Host::passing_to("shop.internal:3000")).remove(0);
        assert_eq!(row.standing, Standing::Lacking);
        let lines = row.add.unwrap().lines;
        assert_eq!(lines[1..], ["set $backend shop.internal:3000;", "proxy_pass http://$backend;"]);
    }

    #[test]
    fn a_name_with_a_resolver_follows() {
        let resolver = Resolver {
            servers: Vec::new(),
            timeout_ms: 1,
            place: crate::observation::Place::default(),
        };
        let host = Host::new().upstream_with("shop.internal:80", |u| {
            (u.per_request, u.resolver) = (true, Some(resolver));
        });
        assert_eq!(rows(&host)[0].standing, Standing::Present);
    }

    #[test]
    fn the_address_of_a_container_does_not_stay_and_loopback_does() {
        let row = rows(&Host::passing_to("172.17.0.2:80").container(container("shop"))).remove(0);
        assert_eq!(row.standing, Standing::Lacking);
        assert!(row.evidence[0].what.contains("container shop"));
        let fixed = rows(&Host::passing_to("127.0.0.1:80"));
        assert_eq!((fixed.len(), fixed[0].standing), (1, Standing::Present));
    }

    #[test]
    fn what_a_variable_decides_is_unknown() {
        let host = Host::new().upstream_with("127.0.0.1:80", |u| u.address = None);
        assert_eq!(rows(&host)[0].standing, Standing::Unknown);
    }
}
