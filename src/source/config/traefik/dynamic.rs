//! Routers and services of the dynamic part
//! (<https://doc.traefik.io/traefik/reference/dynamic-configuration/file/>).

use std::collections::BTreeMap;

use crate::{
    evidence::labels::read_rule,
    observation::{
        Address, HealthCheck, LabelProvider, Place, ProblemKind, Protocol, Route, Setting, Site,
        Text, Transport,
    },
    source::config::{
        document::Node,
        reading::{Reading, blank},
    },
};

use super::{statics::Statics, transport};

/// Services that lead to services.
const DEPTH: usize = 8;

/// A document of one file.
pub(super) struct Part {
    pub(super) file: Text,
    pub(super) root: Node,
}

/// Routers, services and transports of all files, by name: Traefik reads them as one. Gives what the
/// labels of containers lean on of them, where labels are read.
pub(super) fn understand(
    parts: &[Part],
    statics: &Statics,
    reading: &mut Reading<'_>,
) -> Option<LabelProvider> {
    let mut labels = statics.labels.clone();
    let transports = transports(parts, statics);
    for layer in ["http", "tcp"] {
        let services = named(parts, layer, "services");
        let mut routes: BTreeMap<String, Vec<Route>> = BTreeMap::new();
        for (name, (file, router)) in named(parts, layer, "routers") {
            let route = route(router, file, statics);
            let place = route.place.clone();
            reading.site(Site {
                place: place.clone(),
                listens: route.listens.clone(),
                names: route.server_names.clone(),
            });
            let service = own(router.word("service"));
            if service.is_empty() {
                let what = format!("the router \"{name}\" names no service");
                reading.problems.add(ProblemKind::Syntax, place, what);
            } else if let (Some(labels), Some(service)) =
                (labels.as_mut(), service.strip_suffix("@docker"))
            {
                labels.routes.push((Text::new(service), route));
            } else if !service.ends_with("@internal") {
                lead(service, &route, &services, &mut routes, 0, reading);
            }
        }
        for (name, (file, service)) in &services {
            let empty = Vec::new();
            let routes = routes.get(name).unwrap_or(&empty);
            servers(name, file, service, routes, layer == "tcp", &transports, reading);
        }
    }
    if let Some(labels) = &mut labels {
        let entry = |(name, listen): &(String, String)| (Text::new(name), Text::new(listen));
        labels.entry_points = statics.entries.iter().map(entry).collect();
        labels.transports =
            transports.into_iter().map(|(name, transport)| (Text::new(name), transport)).collect();
    }
    labels
}

/// How servers are spoken to, by the name of the transport; the one without a name is the default.
fn transports(parts: &[Part], statics: &Statics) -> BTreeMap<String, Transport> {
    let mut all = BTreeMap::from([(String::new(), statics.transport.clone())]);
    for layer in ["tcp", "http"] {
        for (name, found) in named(parts, layer, "serversTransports") {
            all.insert(name, transport::read(Some(found)));
        }
    }
    all
}

type Named<'p> = BTreeMap<String, (&'p Text, &'p Node)>;

fn named<'p>(parts: &'p [Part], layer: &str, kind: &str) -> Named<'p> {
    let mut all = Named::new();
    for part in parts {
        for (name, node) in part.root.at(&[layer, kind]).into_iter().flat_map(Node::entries) {
            all.insert(name.to_ascii_lowercase(), (&part.file, node));
        }
    }
    all
}

/// A name without the provider `file`, which is the one that is read here.
fn own(name: &str) -> String {
    name.strip_suffix("@file").unwrap_or(name).to_ascii_lowercase()
}

fn route(router: &Node, file: &Text, statics: &Statics) -> Route {
    let (server_names, location) = read_rule(router.word("rule"));
    let wanted = router.words("entryPoints");
    let uses =
        |name: &str| wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(name));
    let tls = router.get("tls").is_some();
    let listens = statics
        .entries
        .iter()
        .filter(|(name, _)| uses(name))
        .map(|(_, listen)| {
            let ssl = if tls && !listen.ends_with(" ssl") { " ssl" } else { "" };
            Text::new(format!("{listen}{ssl}"))
        })
        .collect();
    let place = Place { file: file.clone(), line: router.line };
    Route { place, server_names, location, listens }
}

/// Follows a service to those behind it: weighted, mirrored, failing over.
fn lead(
    service: String,
    route: &Route,
    services: &Named<'_>,
    routes: &mut BTreeMap<String, Vec<Route>>,
    depth: usize,
    reading: &mut Reading<'_>,
) {
    /// Routes kept of one service.
    const ROUTES: usize = 1_000;
    let Some((_, node)) = services.get(&service) else {
        // One of another provider is not in these files.
        let kind = if service.contains('@') { ProblemKind::Unknown } else { ProblemKind::Syntax };
        let what = format!("no service is called \"{service}\"");
        reading.problems.add(kind, route.place.clone(), what);
        return;
    };
    let all = routes.entry(service).or_default();
    if depth > DEPTH || all.len() >= ROUTES || all.contains(route) {
        return;
    }
    all.push(route.clone());
    let mut next: Vec<String> = node
        .at(&["weighted", "services"])
        .into_iter()
        .flat_map(Node::items)
        .map(|s| own(s.word("name")))
        .collect();
    for (kind, key) in [("mirroring", "service"), ("failover", "service"), ("failover", "fallback")]
    {
        next.extend(node.get(kind).map(|node| own(node.word(key))).filter(|name| !name.is_empty()));
    }
    for service in next {
        lead(service, route, services, routes, depth + 1, reading);
    }
}

fn servers(
    name: &str,
    file: &Text,
    service: &Node,
    routes: &[Route],
    tcp: bool,
    transports: &BTreeMap<String, Transport>,
    reading: &mut Reading<'_>,
) {
    let Some(balancer) = service.get("loadBalancer") else { return };
    let at = |node: &Node| Place { file: file.clone(), line: node.line };
    let list: Vec<&Node> = balancer.list("servers").collect();
    let size = u32::try_from(list.len()).unwrap_or(u32::MAX);
    let transport = transports.get(&own(balancer.word("serversTransport")));
    let transport = transport.or_else(|| transports.get(""));
    for server in list {
        let written = if tcp { server.word("address") } else { server.word("url") };
        let tls_passed = balancer.get("tls").is_some() || server.is_on("tls");
        let (address, protocol) = target(written, tcp, tls_passed);
        if address.is_none() {
            let what = format!("\"{written}\" is no address");
            reading.problems.add(ProblemKind::Syntax, at(server), what);
        }
        let mut upstream = blank(&at(server), written, address, protocol);
        upstream.group = Some(Text::new(name));
        upstream.group_size = size;
        upstream.per_request = matches!(upstream.address, Some(Address::Name { .. }));
        upstream.header_buffer = Setting { value: 10 << 20, place: None };
        if let Some(transport) = transport {
            upstream.timeouts = transport.timeouts.clone();
            if protocol.is_tls() {
                upstream.tls_verify = transport.verify;
                upstream.tls = transport.tls.clone();
            }
        }
        upstream.params.check = balancer.get("healthCheck").map(|check| {
            let port = check.number("port").and_then(|port| u16::try_from(port).ok());
            let method = Some(check.word("method")).filter(|m| !m.is_empty()).unwrap_or("GET");
            Box::new(HealthCheck {
                place: at(check),
                request: Text::new(format!("{method} {}", check.word("path"))),
                expect: Text::new(check.word("status")),
                address: port.and_then(|port| moved(upstream.address.as_ref()?, port)),
            })
        });
        upstream.routes = routes.to_vec();
        reading.upstream(upstream);
    }
}

fn moved(address: &Address, port: u16) -> Option<Address> {
    let at = match address {
        Address::Tcp(addr) => Address::Tcp((addr.ip(), port).into()),
        Address::Name { host, .. } => Address::Name { host: host.clone(), port },
        Address::Unix(_) => return None,
    };
    (at != *address).then_some(at)
}

/// `http://host:port/path`, `https://…`, `h2c://…`; for streams `host:port`.
pub(super) fn target(written: &str, tcp: bool, tls: bool) -> (Option<Address>, Protocol) {
    let (scheme, rest) = written.split_once("://").unwrap_or(("", written));
    let authority = rest.split('/').next().unwrap_or_default();
    let (protocol, port) = match (tcp, scheme) {
        (true, _) if tls => (Protocol::Tls, 0),
        (true, _) => (Protocol::Tcp, 0),
        (_, "https") => (Protocol::Https, 443),
        _ => (Protocol::Http, 80),
    };
    let address = Address::parse(authority, port).filter(|address| address.port() != Some(0));
    (address, protocol)
}
