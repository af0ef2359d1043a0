//! What a configuration of Caddy in JSON means (<https://caddyserver.com/docs/json/>).

use std::path::Path;

use crate::{
    observation::{
        AccessFormat, AccessSyntax, HealthCheck, LogKind, OwnAnswer, Place, ProblemKind, Route,
        Setting, Site, Text,
    },
    source::config::{
        document::{self, Node},
        include::path_text,
        reading::Reading,
        scope::whole,
        start,
    },
};

use super::{
    address::{duration_ms, location},
    control,
    proxy::Proxy,
};

/// Nesting of subroutes that are looked into.
const DEPTH: usize = 32;

/// What leads to a handler.
#[derive(Clone, Debug, Default)]
struct Way {
    names: Vec<Text>,
    location: String,
    listens: Vec<Text>,
}

/// Reads a file.
pub(super) fn read(path: &Path, reading: &mut Reading<'_>) {
    let file = path_text(path);
    let Some(text) = reading.file(path, &whole(file.clone())) else { return };
    let (nodes, trouble) = document::read(path, &text);
    if let Some(trouble) = trouble {
        let place = Place { file: file.clone(), line: trouble.line };
        reading.problems.add(ProblemKind::Syntax, place, trouble.what);
    }
    if let Some(root) = nodes.first() {
        understand(root, &file, reading);
    }
}

/// Takes a whole configuration in.
pub(super) fn understand(root: &Node, file: &Text, reading: &mut Reading<'_>) {
    let at = |node: &Node| Place { file: file.clone(), line: node.line };
    let admin = root.get("admin");
    let off = admin.is_some_and(|admin| admin.is_on("disabled"));
    let listen = admin.map_or("", |admin| admin.word("listen"));
    control(
        if off { "off" } else { listen },
        admin.map_or_else(|| whole(file.clone()), at),
        reading,
    );
    logs(root, file, reading);
    let Some(http) = root.at(&["apps", "http"]) else { return };
    let https_port = http.number("https_port").unwrap_or(443);
    for (_, server) in http.get("servers").into_iter().flat_map(Node::entries) {
        let tls = server.get("tls_connection_policies").is_some();
        let listens: Vec<Text> = server
            .words("listen")
            .iter()
            .map(|listen| {
                let port = listen.rsplit(':').next().unwrap_or_default();
                let ssl = tls || port.parse() == Ok(https_port);
                let text = listen.trim_start_matches("tcp/").trim_start_matches(':');
                Text::new(format!("{text}{}", if ssl { " ssl" } else { "" }))
            })
            .collect();
        let way = Way { names: Vec::new(), location: "/".to_owned(), listens: listens.clone() };
        let mut names = Vec::new();
        for route in server.list("routes") {
            names.extend(hosts(route));
        }
        reading.site(Site { place: at(server), listens, names });
        routes(server.list("routes"), &way, file, 0, reading);
        if server.get("logs").is_some() {
            let format = access();
            let path = default_log(root, reading);
            reading.log(&path, LogKind::Access(format), &at(server));
        }
    }
}

fn access() -> AccessFormat {
    AccessFormat { name: Text::new("json"), pattern: Text::default(), syntax: AccessSyntax::Caddy }
}

/// Where a log of `logging` goes.
fn destination(log: &Node, reading: &Reading<'_>) -> String {
    let Some(writer) = log.get("writer") else { return "stderr".to_owned() };
    match writer.word("output") {
        "file" => start::absolute(reading.setup(), writer.word("filename")).display().to_string(),
        "discard" => "/dev/null".to_owned(),
        "net" => format!("syslog:server={}", writer.word("address")),
        _ => "stderr".to_owned(),
    }
}

fn default_log(root: &Node, reading: &Reading<'_>) -> String {
    let log = root.at(&["logging", "logs", "default"]);
    log.map_or_else(|| "stderr".to_owned(), |log| destination(log, reading))
}

fn logs(root: &Node, file: &Text, reading: &mut Reading<'_>) {
    let path = default_log(root, reading);
    reading.log(&path, LogKind::Error, &whole(file.clone()));
    for (name, log) in root.at(&["logging", "logs"]).into_iter().flat_map(Node::entries) {
        let place = Place { file: file.clone(), line: log.line };
        let path = destination(log, reading);
        let included = log.words("include");
        if included.iter().any(|name| name.starts_with("http.log.access")) {
            reading.log(&path, LogKind::Access(access()), &place);
        } else if name != "default" {
            reading.log(&path, LogKind::Error, &place);
        }
    }
}

fn hosts(route: &Node) -> Vec<Text> {
    route.list("match").flat_map(|m| m.words("host")).map(Text::new).collect()
}

fn routes<'n>(
    list: impl Iterator<Item = &'n Node>,
    outer: &Way,
    file: &Text,
    depth: usize,
    reading: &mut Reading<'_>,
) {
    if depth > DEPTH {
        return;
    }
    for route in list {
        let mut way = outer.clone();
        let names = hosts(route);
        if !names.is_empty() {
            way.names = names;
        }
        let paths: Vec<String> = route.list("match").flat_map(|m| m.words("path")).collect();
        match paths.as_slice() {
            [] => {}
            [one] => way.location = location(one),
            several => way.location = format!("path {}", several.join(" ")),
        }
        for handler in route.list("handle") {
            handle(handler, &way, file, depth, reading);
        }
    }
}

fn handle(handler: &Node, way: &Way, file: &Text, depth: usize, reading: &mut Reading<'_>) {
    let place = Place { file: file.clone(), line: handler.line };
    match handler.word("handler") {
        "subroute" => routes(handler.list("routes"), way, file, depth + 1, reading),
        "reverse_proxy" => {
            let route = Route {
                place: place.clone(),
                server_names: way.names.clone(),
                location: Text::new(&way.location),
                listens: way.listens.clone(),
            };
            proxy(handler, place, file).keep(&route, reading);
        }
        "static_response" | "error" => {
            let status = handler.number("status_code").and_then(|n| u16::try_from(n).ok());
            reading.answer(OwnAnswer {
                place,
                status: status.unwrap_or(200),
                server_names: way.names.clone(),
                location: if way.location == "/" {
                    Text::default()
                } else {
                    Text::new(&way.location)
                },
            });
        }
        _ => {}
    }
}

fn proxy(handler: &Node, place: Place, file: &Text) -> Proxy {
    let at = |node: &Node| Place { file: file.clone(), line: node.line };
    let mut proxy = Proxy { place, ..Proxy::default() };
    for upstream in handler.list("upstreams") {
        proxy.targets.push((upstream.word("dial").to_owned(), at(upstream)));
    }
    proxy.dynamic = handler.get("dynamic_upstreams").is_some();
    if let Some(transport) = handler.get("transport") {
        proxy.fastcgi = transport.word("protocol") == "fastcgi";
        let time = |name: &str| {
            let node = transport.get(name)?;
            let value = duration_ms(&node.text()?)?;
            Some(Setting { value, place: Some(at(node)) })
        };
        proxy.connect = time("dial_timeout");
        proxy.read = time("response_header_timeout").or_else(|| time("read_timeout"));
        proxy.write = time("write_timeout");
        if let Some(tls) = transport.get("tls") {
            proxy.tls = true;
            proxy.insecure = tls.is_on("insecure_skip_verify");
            proxy.facts.name =
                Some(tls.word("server_name")).filter(|name| !name.is_empty()).map(Text::new);
            proxy.facts.trusted = tls.words("root_ca_pem_files").first().map(Text::new);
        }
    }
    if let Some(active) = handler.at(&["health_checks", "active"]) {
        let path = [active.word("uri"), active.word("path"), "/"];
        let path = path.into_iter().find(|path| !path.is_empty()).unwrap_or("/");
        proxy.check = Some(HealthCheck {
            place: at(active),
            request: Text::new(format!("GET {path}")),
            expect: Text::new(active.word("expect_status")),
            address: None,
        });
        proxy.check_port = active.number("port").and_then(|port| u16::try_from(port).ok());
    }
    if let Some(passive) = handler.at(&["health_checks", "passive"]) {
        let pause = duration_ms(passive.word("fail_duration")).unwrap_or(0);
        proxy.fail_secs = pause.div_ceil(1_000);
        proxy.max_fails = passive.number("max_fails").and_then(|n| u32::try_from(n).ok());
    }
    proxy
}
