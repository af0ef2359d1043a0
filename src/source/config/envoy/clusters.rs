//! Clusters and their endpoints
//! (<https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto>).

use std::collections::BTreeMap;

use crate::{
    observation::{
        Address, HealthCheck, Place, ProblemKind, Protocol, Route, Setting, Text, Timeouts,
        UpstreamTls,
    },
    source::config::{
        caddy,
        document::Node,
        reading::{Reading, blank},
    },
};

/// How long Envoy tries to connect, in milliseconds.
const CONNECT_MS: u64 = 5_000;
/// How long a route waits for an answer, in milliseconds.
const ROUTE_MS: u64 = 15_000;

/// A route with the time that it gives an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) route: Route,
    pub(super) timeout: Option<Setting<u64>>,
    /// Whether it passes a stream on.
    pub(super) tcp: bool,
}

pub(super) type Ways = BTreeMap<String, Vec<Way>>;

/// A socket address or a pipe.
pub(super) fn address(node: &Node) -> Option<Address> {
    if let Some(pipe) = node.get("pipe") {
        let path = pipe.word("path");
        return (!path.is_empty()).then(|| Address::unix(Text::new(path)));
    }
    let socket = node.get("socket_address")?;
    let port = socket.number("port_value").and_then(|port| u16::try_from(port).ok())?;
    let host = socket.word("address");
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    Address::parse(&format!("{host}:{port}"), port)
}

/// Whether a transport socket speaks TLS.
pub(super) fn is_tls(node: Option<&Node>) -> bool {
    let Some(node) = node else { return false };
    let kind = node.at(&["typed_config", "@type"]).and_then(Node::text).unwrap_or_default();
    node.word("name").contains("tls") || kind.contains("TlsContext")
}

/// Keeps the endpoints of one cluster.
pub(super) fn keep(cluster: &Node, file: &Text, ways: &Ways, reading: &mut Reading<'_>) {
    let at = |node: &Node| Place { file: file.clone(), line: node.line };
    let name = cluster.word("name");
    let kind = [
        cluster.word("type"),
        cluster
            .at(&["cluster_type", "name"])
            .and_then(|n| match &n.value {
                crate::source::config::document::Value::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .unwrap_or_default(),
    ];
    let kind = kind.into_iter().find(|kind| !kind.is_empty()).unwrap_or("STATIC");
    let endpoints = endpoints(cluster);
    if endpoints.is_empty() {
        let what = format!("the endpoints of \"{name}\" are not in this file ({kind})");
        reading.problems.add(ProblemKind::Unknown, at(cluster), what);
        return;
    }
    let size = u32::try_from(endpoints.len()).unwrap_or(u32::MAX);
    let empty = Vec::new();
    let ways = ways.get(name).unwrap_or(&empty);
    let tls = is_tls(cluster.get("transport_socket")) || cluster.get("tls_context").is_some();
    let tcp = !ways.is_empty() && ways.iter().all(|way| way.tcp);
    let protocol = match (tcp, tls) {
        (true, true) => Protocol::Tls,
        (true, false) => Protocol::Tcp,
        (false, true) => Protocol::Https,
        (false, false) => Protocol::Http,
    };
    for endpoint in endpoints {
        let place = at(endpoint);
        let found = address(endpoint);
        let written = found.as_ref().map_or_else(|| name.to_owned(), ToString::to_string);
        if found.is_none() {
            let what = format!("an endpoint of \"{name}\" has no address that is understood");
            reading.problems.add(ProblemKind::Syntax, place.clone(), what);
        }
        let mut upstream = blank(&place, &written, found, protocol);
        upstream.group = Some(Text::new(name));
        upstream.group_size = size;
        // Envoy looks names up by itself, again and again.
        upstream.per_request = matches!(upstream.address, Some(Address::Name { .. }));
        upstream.timeouts = timeouts(cluster, file, ways);
        upstream.header_buffer = Setting { value: 60 << 10, place: None };
        upstream.params.max_conns = cluster
            .at(&["circuit_breakers", "thresholds"])
            .into_iter()
            .flat_map(Node::items)
            .find_map(|threshold| threshold.number("max_connections"))
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0);
        upstream.params.check = cluster.list("health_checks").next().map(|check| {
            let http = check.get("http_health_check");
            Box::new(HealthCheck {
                place: at(check),
                request: Text::new(
                    http.map(|http| format!("GET {}", http.word("path"))).unwrap_or_default(),
                ),
                expect: Text::default(),
                address: None,
            })
        });
        let context = cluster
            .at(&["transport_socket", "typed_config"])
            .or_else(|| cluster.get("tls_context"));
        // Without authorities Envoy takes every certificate.
        let trusted =
            context.and_then(|c| c.at(&["common_tls_context", "validation_context", "trusted_ca"]));
        upstream.tls_verify = protocol.is_tls() && trusted.is_some();
        let sni = context.map_or("", |context| context.word("sni"));
        upstream.tls = UpstreamTls {
            sends_name: protocol.is_tls() && !sni.is_empty(),
            name: (!sni.is_empty()).then(|| Text::new(sni)),
            trusted: trusted.map(|ca| ca.word("filename")).filter(|f| !f.is_empty()).map(Text::new),
            ..UpstreamTls::default()
        };
        upstream.routes = ways.iter().map(|way| way.route.clone()).collect();
        reading.upstream(upstream);
    }
}

/// The nodes that hold an address: of `load_assignment`, or of the older `hosts`.
fn endpoints(cluster: &Node) -> Vec<&Node> {
    let mut found: Vec<&Node> = Vec::new();
    for group in cluster.at(&["load_assignment", "endpoints"]).into_iter().flat_map(Node::items) {
        for endpoint in group.list("lb_endpoints") {
            found.extend(endpoint.at(&["endpoint", "address"]));
        }
    }
    found.extend(cluster.list("hosts"));
    found
}

fn timeouts(cluster: &Node, file: &Text, ways: &[Way]) -> Timeouts {
    let connect = cluster.get("connect_timeout").and_then(|node| {
        let value = caddy::duration_ms(&node.text()?)?;
        Some(Setting { value, place: Some(Place { file: file.clone(), line: node.line }) })
    });
    let read = ways.iter().find_map(|way| way.timeout.clone());
    Timeouts {
        connect: connect.unwrap_or(Setting { value: CONNECT_MS, place: None }),
        send: Setting::default(),
        read: read.unwrap_or(Setting { value: ROUTE_MS, place: None }),
    }
}
