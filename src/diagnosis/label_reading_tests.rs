//! What is made of the labels of containers.

use proptest::prelude::*;

use super::testing::{ContainerSeen, Host, ago, container, container_id, gateway_id};
use crate::observation::{
    Address, Claim, ClaimKind, ConfiguredUpstream, Container, ContainerId, ContainerState,
    GatewayConfig, LabelProvider, Origin, Place, Route, Text, Timeouts, Transport, UpstreamTls,
};

fn provider() -> LabelProvider {
    LabelProvider {
        place: Place { file: "/etc/traefik/traefik.yml".into(), line: 3 },
        endpoint: "".into(),
        exposed_by_default: true,
        network: "".into(),
        default_rule: "".into(),
        constraints: "".into(),
        binds_host_port: false,
        entry_points: vec![("web".into(), "80".into()), ("websecure".into(), "443".into())],
        transports: vec![(
            "".into(),
            Transport { verify: true, tls: UpstreamTls::default(), timeouts: Timeouts::default() },
        )],
        routes: Vec::new(),
    }
}

/// A container of Compose's project `shop`, in one network, that exposes ports.
fn app(service: &str, digit: char, ports: &[u16], labels: &[(&str, &str)]) -> ContainerSeen {
    container(&format!("shop-{service}-1")).with(|c| {
        c.id = container_id(digit);
        c.compose = Some(("shop".into(), service.into()));
        let last = u8::try_from(digit.to_digit(16).unwrap()).unwrap();
        c.ips = vec![("shop_default".into(), [172, 20, 0, last].into())];
        c.labels = labels.iter().map(|(n, v)| (Text::new(n), Text::new(v))).collect();
        c.claims = ports.iter().map(|port| exposed(&c.id, *port)).collect();
    })
}

fn exposed(id: &ContainerId, port: u16) -> Claim {
    let address = Address::Tcp(([0, 0, 0, 0], port).into());
    Claim { address, kind: ClaimKind::Binding, origin: Origin::Docker(id.clone()) }
}

/// The configuration of a host with these containers, and what its files say of it.
fn join_on(host: Host, provider: &LabelProvider, containers: Vec<ContainerSeen>) -> GatewayConfig {
    let host = host.config(|c| c.labels = Some(Box::new(provider.clone())));
    let host = containers.into_iter().fold(host, Host::container);
    host.case().configs.remove(&gateway_id()).unwrap()
}

fn join(provider: &LabelProvider, containers: Vec<ContainerSeen>) -> GatewayConfig {
    join_on(Host::new(), provider, containers)
}

fn shown(config: &GatewayConfig) -> Vec<String> {
    let one = |u: &ConfiguredUpstream| {
        let address = u.address.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        let routes: Vec<String> = u
            .routes
            .iter()
            .map(|r: &Route| {
                let join = |all: &[Text]| all.iter().map(Text::raw).collect::<Vec<_>>().join(",");
                format!("{}{} on {}", join(&r.server_names), r.location.raw(), join(&r.listens))
            })
            .collect();
        let group = u.group.as_ref().map(Text::raw).unwrap_or_default();
        format!("{group} {} {address} {}", u.protocol.as_str(), routes.join(";"))
    };
    config.upstreams.iter().map(one).collect()
}

fn problems(config: &GatewayConfig) -> Vec<&str> {
    config.problems.iter().map(|p| p.what.raw()).collect()
}

const RULE: (&str, &str) =
    ("traefik.http.routers.web.rule", "Host(`shop.lan`) && PathPrefix(`/a`)");

#[test]
fn a_router_and_the_only_service_find_each_other() {
    let config = join(&provider(), vec![app("web", '3', &[8000], &[RULE])]);
    assert_eq!(shown(&config), ["web-shop http 172.20.0.3:8000 shop.lan/a on 80,443"]);
    let row = &config.upstreams[0];
    assert_eq!(row.container, Some(container_id('3')));
    assert_eq!(row.place.to_string(), "labels of container shop-web-1");
    assert_eq!(config.sites.len(), 1);
    assert_eq!(problems(&config), [""; 0]);
}

#[test]
fn ports_schemes_entry_points_and_checks_are_those_that_labels_name() {
    let labels = [
        ("traefik.http.routers.Web.rule", "Host(`shop.lan`)"),
        ("traefik.http.routers.Web.entryPoints", "websecure"),
        ("traefik.http.routers.Web.tls.certresolver", "le"),
        ("traefik.http.routers.Web.service", "Api"),
        ("traefik.http.services.Api.loadBalancer.server.port", "9443"),
        ("traefik.http.services.Api.loadBalancer.server.scheme", "https"),
        ("traefik.http.services.Api.loadBalancer.healthCheck.path", "/up"),
        ("traefik.http.services.other.loadbalancer.server.port", "81"),
        ("traefik.tcp.routers.db.rule", "HostSNI(`*`)"),
        ("traefik.tcp.services.db.loadbalancer.server.port", "5432"),
    ];
    let config = join(&provider(), vec![app("web", '3', &[80, 8000], &labels)]);
    assert_eq!(
        shown(&config),
        [
            "api https 172.20.0.3:9443 shop.lan/ on 443 ssl",
            "other http 172.20.0.3:81 ",
            "db tcp 172.20.0.3:5432 / on 80,443",
        ]
    );
    assert_eq!(config.upstreams[0].params.check.as_ref().unwrap().request.raw(), "GET /up");
    assert!(config.upstreams[0].tls_verify);
}

#[test]
fn replicas_are_one_service_and_what_was_put_away_is_none() {
    let away = |c: &mut Container| {
        c.state = ContainerState::Exited;
        c.exit_code = Some(143);
        c.finished = Some(ago(90_000));
        c.ips.clear();
    };
    let crashed = |c: &mut Container| {
        c.state = ContainerState::Exited;
        c.exit_code = Some(1);
        c.finished = Some(ago(90_000));
        c.ips.clear();
    };
    let config = join(
        &provider(),
        vec![
            app("web", '3', &[80], &[RULE]),
            app("web", '4', &[80], &[RULE]),
            app("old", '5', &[80], &[]).with(away),
            app("web", '6', &[80], &[RULE]).with(crashed),
        ],
    );
    let route = "shop.lan/a on 80,443";
    assert_eq!(
        shown(&config),
        [
            format!("web-shop http 172.20.0.3:80 {route}"),
            format!("web-shop http 172.20.0.4:80 {route}"),
            format!("web-shop http shop-web-1:80 {route}"),
        ]
    );
    assert_eq!(config.upstreams[0].group_size, 3);
    let mut ids: Vec<&str> = config.upstreams.iter().map(|u| u.id.0.raw()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn containers_are_left_out_as_traefik_leaves_them_out_and_it_is_said_why() {
    let asks = |labels: &[(&str, &str)], change: &dyn Fn(&mut LabelProvider)| {
        let mut provider = provider();
        change(&mut provider);
        let config = join(&provider, vec![app("web", '3', &[80], labels)]);
        (config.upstreams.len(), problems(&config).join(" | "))
    };
    let (count, said) = asks(&[RULE, ("traefik.enable", "false")], &|_| {});
    assert!(count == 0 && said.contains("traefik.enable=false"), "{said}");
    let (count, said) = asks(&[RULE], &|p| p.exposed_by_default = false);
    assert!(count == 0 && said.contains("traefik.enable=true is missing"), "{said}");
    let on = [RULE, ("traefik.enable", "true")];
    assert_eq!(asks(&on, &|p| p.exposed_by_default = false), (1, String::new()));
    let tagged = |p: &mut LabelProvider| p.constraints = "Label(`traefik.tags`,`x`)".into();
    assert_eq!(asks(&[RULE], &tagged), (0, String::new()));
    assert_eq!(asks(&[RULE, ("traefik.tags", "x")], &tagged), (1, String::new()));
    let unknown = |p: &mut LabelProvider| p.constraints = "Label(`who`,`x`)".into();
    let (count, said) = asks(&[RULE], &unknown);
    assert!(count == 1 && said.contains("is not known"), "{said}");
    let far = |p: &mut LabelProvider| p.endpoint = "tcp://10.9.8.7:2375".into();
    let (count, said) = asks(&[RULE], &far);
    assert!(count == 0 && said.contains("not looked at"), "{said}");
    // Nobody set anything up for a container that says nothing.
    assert_eq!(asks(&[], &|_| {}), (0, String::new()));
    let own = |p: &mut LabelProvider| p.default_rule = "Host(`{{ normalize .Name }}.lan`)".into();
    assert_eq!(asks(&[], &own), (1, String::new()));
}

#[test]
fn a_container_without_a_port_is_left_out_with_the_reason() {
    let config = join(&provider(), vec![app("web", '3', &[], &[RULE])]);
    assert_eq!(config.upstreams.len(), 0);
    assert!(problems(&config)[0].contains("exposes no port"), "{:?}", problems(&config));
    let port = ("traefik.http.services.web.loadbalancer.server.port", "http");
    let config = join(&provider(), vec![app("web", '3', &[80], &[RULE, port])]);
    assert!(problems(&config)[0].contains("\"http\" is no port"), "{:?}", problems(&config));
}

#[test]
fn the_network_is_that_of_the_label_else_the_one_that_both_share() {
    let two = |c: &mut Container| {
        c.ips =
            vec![("back".into(), [172, 21, 0, 3].into()), ("web".into(), [172, 22, 0, 3].into())];
    };
    let own = container("traefik").with(|c| {
        c.id = container_id('a');
        c.ips = vec![("web".into(), [172, 22, 0, 2].into())];
        c.labels = vec![("traefik.enable".into(), "false".into())];
    });
    let inside = Host::new().gateway(|g| g.container = Some(container_id('a')));
    let of = |labels: &[(&str, &str)]| {
        let all = vec![own.clone(), app("web", '3', &[80], labels).with(two)];
        join_on(inside.clone(), &provider(), all)
    };
    let named = of(&[RULE, ("traefik.docker.network", "back")]);
    assert_eq!(named.upstreams[0].address.as_ref().unwrap().to_string(), "172.21.0.3:80");
    assert_eq!(problems(&named), [""; 0]);
    let open = of(&[RULE]);
    assert_eq!(open.upstreams[0].address.as_ref().unwrap().to_string(), "172.22.0.3:80");
    assert!(problems(&open)[0].contains("several networks"), "{:?}", problems(&open));
    let wrong = of(&[RULE, ("traefik.docker.network", "default")]);
    assert!(problems(&wrong)[0].contains("no network \"default\""), "{:?}", problems(&wrong));
}

#[test]
fn the_host_and_the_network_of_another_container_are_where_they_are() {
    let port = ("traefik.http.services.web.loadbalancer.server.port", "8080");
    let of = |change: &dyn Fn(&mut Container)| {
        let all = vec![
            app("vpn", '4', &[], &[("traefik.enable", "false")]),
            app("web", '3', &[], &[RULE, port]).with(change),
        ];
        shown(&join(&provider(), all)).join("|")
    };
    let at = of(&|c| (c.host_network, c.ips) = (true, Vec::new()));
    assert_eq!(at, "web http 127.0.0.1:8080 shop.lan/a on 80,443");
    let at = of(&|c| (c.network_of, c.ips) = (Some(container_id('4')), Vec::new()));
    assert_eq!(at, "web http 172.20.0.4:8080 shop.lan/a on 80,443");
}

#[test]
fn files_and_labels_lead_into_each_other() {
    let mut provider = provider();
    let place = Place { file: "/d.yml".into(), line: 4 };
    let route = Route {
        place,
        server_names: vec!["file.lan".into()],
        location: "/".into(),
        listens: vec!["80".into()],
    };
    provider.routes = vec![("web-shop".into(), route)];
    let labels = [RULE, ("traefik.http.routers.web.service", "gone")];
    let config = join(&provider, vec![app("web", '3', &[80], &labels)]);
    assert_eq!(shown(&config), ["web-shop http 172.20.0.3:80 file.lan/ on 80"]);
    assert!(problems(&config)[0].contains("service \"gone\""), "{:?}", problems(&config));
}

#[test]
fn routers_that_two_containers_define_differently_are_taken_from_neither() {
    let other = ("traefik.http.routers.web.rule", "Host(`other.lan`)");
    let all = vec![app("web", '3', &[80], &[RULE]), app("api", '4', &[80], &[other])];
    let config = join(&provider(), all);
    assert!(config.upstreams.iter().all(|u| u.routes.is_empty()));
    assert!(problems(&config)[0].contains("takes neither"), "{:?}", problems(&config));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_labels_panic_and_all_are_bounded(
        labels in proptest::collection::vec(
            ("traefik\\.(http|tcp)\\.(routers|services)\\.[a-c]\\.(rule|service|tls|loadbalancer\\.server\\.(port|url|scheme))|traefik[.a-z]{0,12}",
             "Host\\(`[a-z]{0,3}`\\)|[0-9]{0,6}|https?://[a-z0-9:.]{0,12}|[a-c]@(file|docker)|.{0,8}"), 0..12),
        template in "Host\\(`\\{\\{ (normalize )?.(Name|Labels) \\}\\}`\\)|.{0,20}",
        ports in proptest::collection::vec(any::<u16>(), 0..3),
    ) {
        let pairs: Vec<(&str, &str)> =
            labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let mut provider = provider();
        provider.default_rule = Text::new(template);
        let all = vec![app("web", '3', &ports, &pairs), app("api", '4', &ports, &pairs)];
        let config = join(&provider, all);
        prop_assert!(config.upstreams.len() <= 30 && config.problems.len() <= 130);
    }
}
