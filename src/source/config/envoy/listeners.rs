//! Listeners, their filters, and the routes in them
//! (<https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/listener/v3/listener.proto>).

use crate::{
    observation::{
        AccessFormat, AccessSyntax, Address, LogKind, OwnAnswer, Place, ProblemKind, Route,
        Setting, Site, Text,
    },
    source::config::{caddy, document::Node, reading::Reading},
};

use super::clusters::{Way, Ways, address, is_tls};

/// Routes kept of one cluster.
const ROUTES: usize = 1_000;

/// Takes one listener in.
pub(super) fn keep(listener: &Node, file: &Text, ways: &mut Ways, reading: &mut Reading<'_>) {
    let mut names: Vec<Text> = Vec::new();
    let chains: Vec<&Node> =
        listener.list("filter_chains").chain(listener.get("default_filter_chain")).collect();
    let listens =
        listens(listener, chains.iter().any(|chain| is_tls(chain.get("transport_socket"))));
    for chain in chains {
        for filter in chain.list("filters") {
            let Some(config) = filter.get("typed_config").or_else(|| filter.get("config")) else {
                continue;
            };
            filters(config, &listens, file, ways, &mut names, reading);
        }
    }
    logs(listener, file, reading);
    let place = Place { file: file.clone(), line: listener.line };
    reading.site(Site { place, listens, names });
}

fn listens(listener: &Node, tls: bool) -> Vec<Text> {
    let found = listener.get("address").and_then(address);
    let text = match found {
        Some(Address::Tcp(addr)) if addr.ip().is_unspecified() && addr.is_ipv4() => {
            addr.port().to_string()
        }
        Some(address) => address.to_string(),
        None => return Vec::new(),
    };
    vec![Text::new(format!("{text}{}", if tls { " ssl" } else { "" }))]
}

fn filters(
    config: &Node,
    listens: &[Text],
    file: &Text,
    ways: &mut Ways,
    names: &mut Vec<Text>,
    reading: &mut Reading<'_>,
) {
    let at = |node: &Node| Place { file: file.clone(), line: node.line };
    logs(config, file, reading);
    let kind = config.word("@type");
    if kind.contains("TcpProxy") || kind.contains("tcp_proxy") {
        let route = Route {
            place: at(config),
            server_names: Vec::new(),
            location: Text::default(),
            listens: listens.to_vec(),
        };
        for cluster in clusters(config) {
            add(ways, cluster, Way { route: route.clone(), timeout: None, tcp: true });
        }
        return;
    }
    if config.get("rds").is_some() {
        let what = "these routes come from a control plane and are not in this file";
        reading.problems.add(ProblemKind::Unknown, at(config), what);
    }
    for host in config.at(&["route_config", "virtual_hosts"]).into_iter().flat_map(Node::items) {
        let domains: Vec<Text> =
            host.words("domains").iter().filter(|d| *d != "*").map(Text::new).collect();
        names.extend(domains.iter().cloned());
        for entry in host.list("routes") {
            let route = Route {
                place: at(entry),
                server_names: domains.clone(),
                location: Text::new(location(entry.get("match"))),
                listens: listens.to_vec(),
            };
            keep_route(entry, route, file, ways, reading);
        }
    }
}

fn keep_route(entry: &Node, route: Route, file: &Text, ways: &mut Ways, reading: &mut Reading<'_>) {
    if let Some(direct) = entry.get("direct_response") {
        let status = direct.number("status").and_then(|n| u16::try_from(n).ok());
        let location = route.location.clone();
        return reading.answer(OwnAnswer {
            place: route.place,
            status: status.unwrap_or(0),
            server_names: route.server_names,
            location: if location.raw() == "/" { Text::default() } else { location },
        });
    }
    let Some(action) = entry.get("route") else { return };
    let timeout = action.get("timeout").and_then(|node| {
        let value = caddy::duration_ms(&node.text()?)?;
        Some(Setting { value, place: Some(Place { file: file.clone(), line: node.line }) })
    });
    let found = clusters(action);
    if found.is_empty() {
        let what = "which cluster this route leads to is decided by each request";
        reading.problems.add(ProblemKind::Unknown, route.place.clone(), what);
    }
    for cluster in found {
        add(ways, cluster, Way { route: route.clone(), timeout: timeout.clone(), tcp: false });
    }
}

fn add(ways: &mut Ways, cluster: String, way: Way) {
    let all = ways.entry(cluster).or_default();
    if all.len() < ROUTES {
        all.push(way);
    }
}

/// The cluster, or those among which weights decide.
fn clusters(action: &Node) -> Vec<String> {
    let mut all: Vec<String> = action.words("cluster");
    for weighted in action.at(&["weighted_clusters", "clusters"]).into_iter().flat_map(Node::items)
    {
        all.push(weighted.word("name").to_owned());
    }
    all.retain(|name| !name.is_empty());
    all
}

/// A match in the words of a location.
fn location(node: Option<&Node>) -> String {
    let Some(node) = node else { return "/".to_owned() };
    let more = ["headers", "query_parameters"].iter().any(|name| node.get(name).is_some());
    let word = |name: &str| Some(node.word(name)).filter(|text| !text.is_empty());
    let regex = node.at(&["safe_regex", "regex"]).and_then(Node::text);
    let plain = word("prefix")
        .map(str::to_owned)
        .or_else(|| word("path_separated_prefix").map(str::to_owned))
        .or_else(|| word("path").map(|path| format!("= {path}")))
        .or_else(|| regex.map(|regex| format!("~ ^{regex}$")));
    match plain {
        Some(plain) if more => format!("if {plain} and more"),
        Some(plain) => plain,
        None => "/".to_owned(),
    }
}

/// The access logs of a listener, a filter or the admin endpoint.
pub(super) fn logs(node: &Node, file: &Text, reading: &mut Reading<'_>) {
    for log in node.list("access_log") {
        let Some(config) = log.get("typed_config").or_else(|| log.get("config")) else { continue };
        let kind = config.word("@type");
        let path = match config.word("path") {
            "" if kind.contains("Stdout") || kind.contains("Stderr") => "stderr",
            "" => continue,
            "/dev/stdout" | "/dev/stderr" => "stderr",
            path => path,
        };
        let format = config.get("log_format");
        let inline = format.and_then(|f| f.at(&["text_format_source", "inline_string"]));
        let pattern = inline.or_else(|| format.and_then(|f| f.get("text_format")));
        let json = format.is_some_and(|f| f.get("json_format").is_some());
        let format = AccessFormat {
            name: Text::new(if json { "json" } else { "text" }),
            pattern: Text::new(pattern.and_then(Node::text).unwrap_or_default()),
            syntax: if json { AccessSyntax::Json } else { AccessSyntax::Envoy },
        };
        let place = Place { file: file.clone(), line: log.line };
        reading.log(path, LogKind::Access(format), &place);
    }
}
