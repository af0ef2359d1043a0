//! Reads the bootstrap file and the files of resources that it names.

use std::path::Path;

use crate::{
    host::{gateway_options::value_of, gateways::COMMAND_LINE},
    observation::{Address, ControlPoint, LogKind, Place, ProblemKind, Text},
    source::config::{
        document::{self, Node},
        include::path_text,
        reading::Reading,
        scope::whole,
        setup::{Parsed, Setup},
        start,
    },
};

use super::{
    clusters::{self, Ways, address},
    listeners,
};

/// Resources with the file that they stand in.
#[derive(Default)]
struct Found {
    listeners: Vec<(Text, Node)>,
    clusters: Vec<(Text, Node)>,
}

/// Reads and understands a configuration of Envoy; never fails: what could not be read or
/// understood is among the problems.
pub(in crate::source::config) fn parse(setup: &Setup) -> Parsed {
    let mut reading = Reading::new(setup);
    let mut found = Found::default();
    if setup.config != Path::new(COMMAND_LINE) {
        let place = whole(path_text(&setup.config));
        if let Some(root) = read(&setup.config, &place, &mut reading) {
            bootstrap(&root, &place.file, &mut found, &mut reading);
        }
    }
    // What stands on the command line is merged over the file.
    if let Some(text) = value_of(&setup.start.arguments, &["--config-yaml"]) {
        reading.found();
        let (nodes, trouble) = document::read(Path::new("command-line.yaml"), text.as_bytes());
        let file = Text::new(COMMAND_LINE);
        if let Some(trouble) = trouble {
            let place = Place { file: file.clone(), line: trouble.line };
            reading.problems.add(ProblemKind::Syntax, place, trouble.what);
        }
        for root in &nodes {
            bootstrap(root, &file, &mut found, &mut reading);
        }
    }
    let log = value_of(&setup.start.arguments, &["--log-path"]);
    let log = log.map(|path| start::absolute(setup, path).display().to_string());
    let place = whole(path_text(&setup.config));
    reading.log(log.as_deref().unwrap_or("stderr"), LogKind::Error, &place);
    let mut ways = Ways::new();
    for (file, listener) in &found.listeners {
        listeners::keep(listener, file, &mut ways, &mut reading);
    }
    for (file, cluster) in &found.clusters {
        clusters::keep(cluster, file, &ways, &mut reading);
    }
    reading.finish()
}

fn read(path: &Path, place: &Place, reading: &mut Reading<'_>) -> Option<Node> {
    let text = reading.file(path, place)?;
    let (nodes, trouble) = document::read(path, &text);
    if let Some(trouble) = trouble {
        let place = Place { file: path_text(path), line: trouble.line };
        reading.problems.add(ProblemKind::Syntax, place, trouble.what);
    }
    nodes.into_iter().next()
}

fn bootstrap(root: &Node, file: &Text, found: &mut Found, reading: &mut Reading<'_>) {
    let at = |node: &Node| Place { file: file.clone(), line: node.line };
    if let Some(resources) = root.get("static_resources") {
        found.listeners.extend(resources.list("listeners").map(|n| (file.clone(), n.clone())));
        found.clusters.extend(resources.list("clusters").map(|n| (file.clone(), n.clone())));
    }
    if let Some(admin) = root.get("admin") {
        let own = admin.get("address").and_then(address).map(|address| match address {
            // One that listens everywhere is asked on the loopback.
            Address::Tcp(addr) if addr.ip().is_unspecified() => {
                Address::Tcp((std::net::Ipv4Addr::LOCALHOST, addr.port()).into())
            }
            other => other,
        });
        reading.controls.extend(own.map(|address| ControlPoint { address, place: at(admin) }));
    }
    for (key, is_cluster) in [("lds_config", false), ("cds_config", true)] {
        let Some(source) = root.at(&["dynamic_resources", key]) else { continue };
        let path = source.at(&["path_config_source", "path"]).or_else(|| source.get("path"));
        let Some(path) = path.and_then(Node::text) else {
            let what = "these resources come from a control plane and are not in any file";
            reading.problems.add(ProblemKind::Unknown, at(source), what);
            continue;
        };
        let path = start::absolute(reading.setup(), &path);
        if let Some(resources) = read(&path, &at(source), reading) {
            let list = resources.list("resources").map(|n| (path_text(&path), n.clone()));
            if is_cluster { found.clusters.extend(list) } else { found.listeners.extend(list) }
        }
    }
}
