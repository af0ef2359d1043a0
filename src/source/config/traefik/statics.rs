//! The static configuration: from one file, or from arguments, or from variables
//! (<https://doc.traefik.io/traefik/reference/static-configuration/overview/>).

use std::path::Path;

use crate::{
    observation::{AccessFormat, AccessSyntax, LabelProvider, LogKind, Place, Text, Transport},
    source::config::{
        document::{Node, Value},
        reading::Reading,
        start,
    },
};

use super::{labels, transport};

/// What the static part says.
#[derive(Debug)]
pub(super) struct Statics {
    /// Entry points by name, as in `80` and `443`.
    pub(super) entries: Vec<(String, String)>,
    /// Dynamic files and folders.
    pub(super) files: Vec<(String, Place)>,
    /// Providers whose routes are not in any file.
    pub(super) others: Vec<(String, Place)>,
    /// The labels of containers, where they are read.
    pub(super) labels: Option<LabelProvider>,
    /// How servers are spoken to that name no transport.
    pub(super) transport: Transport,
}

/// Settings written as paths of names, as one document: `providers.file.directory=/x`.
pub(super) fn tree(settings: impl Iterator<Item = (Vec<String>, String)>) -> Node {
    let mut root = Node { line: 0, value: Value::Map(Vec::new()) };
    for (path, value) in settings.take(10_000) {
        if path.len() <= 32 {
            put(&mut root, &path, value);
        }
    }
    root
}

fn put(node: &mut Node, path: &[String], value: String) {
    let Some((name, rest)) = path.split_first() else {
        // A flag alone beside settings below it, as in `--providers.docker`.
        if !matches!(&node.value, Value::Map(map) if !map.is_empty()) {
            node.value = Value::Text(value);
        }
        return;
    };
    if !matches!(node.value, Value::Map(_)) {
        node.value = Value::Map(Vec::new());
    }
    let Value::Map(map) = &mut node.value else { return };
    let at = map.iter().position(|(key, _)| key.eq_ignore_ascii_case(name));
    let at = at.unwrap_or_else(|| {
        map.push((name.to_ascii_lowercase(), Node { line: 0, value: Value::Null }));
        map.len() - 1
    });
    if let Some((_, child)) = map.get_mut(at) {
        put(child, rest, value);
    }
}

/// `--a.b=c` of a command line, as paths.
pub(super) fn of_arguments(arguments: &[String]) -> Node {
    tree(arguments.iter().filter_map(|word| {
        let word = word.trim_start_matches('-');
        let (path, value) = word.split_once('=').unwrap_or((word, "true"));
        (!path.is_empty()).then(|| (path.split('.').map(str::to_owned).collect(), value.to_owned()))
    }))
}

/// `TRAEFIK_A_B=c` of the environment, as paths.
pub(super) fn of_variables<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> Node {
    tree(variables.filter_map(|(name, value)| {
        let path = name.strip_prefix("TRAEFIK_")?;
        Some((path.split('_').map(str::to_owned).collect(), value.to_owned()))
    }))
}

impl Statics {
    pub(super) fn read(root: &Node, file: &Text, reading: &mut Reading<'_>) -> Self {
        let at = |node: &Node| Place { file: file.clone(), line: node.line };
        let own = root.get("serversTransport").map(|node| (file, node));
        let mut statics = Self {
            entries: Vec::new(),
            files: Vec::new(),
            others: Vec::new(),
            labels: None,
            transport: transport::read(own),
        };
        for (name, entry) in root.get("entryPoints").into_iter().flat_map(Node::entries) {
            let address = entry.word("address");
            let address = address.split('/').next().unwrap_or_default().trim_start_matches(':');
            let tls = entry.at(&["http", "tls"]).is_some();
            let listen = format!("{address}{}", if tls { " ssl" } else { "" });
            statics.entries.push((name.to_ascii_lowercase(), listen));
        }
        for (name, provider) in root.get("providers").into_iter().flat_map(Node::entries) {
            if name.eq_ignore_ascii_case("file") {
                for key in ["filename", "directory"] {
                    let path = provider.word(key);
                    if !path.is_empty() {
                        statics.files.push((path.to_owned(), at(provider)));
                    }
                }
            } else if name.eq_ignore_ascii_case("docker") && !provider.is_on("swarmMode") {
                statics.labels = labels::read(provider, at(provider));
            } else if !name.eq_ignore_ascii_case("providersThrottleDuration")
                && !provider.text().is_some_and(|text| text.eq_ignore_ascii_case("false"))
            {
                statics.others.push((name.to_owned(), at(provider)));
            }
        }
        logs(root, file, reading);
        statics
    }
}

fn logs(root: &Node, file: &Text, reading: &mut Reading<'_>) {
    let place =
        |node: Option<&Node>| Place { file: file.clone(), line: node.map_or(0, |n| n.line) };
    let path = |node: Option<&Node>, reading: &Reading<'_>| {
        let path = node.map_or("", |node| node.word("filePath"));
        if path.is_empty() {
            "stderr".to_owned()
        } else {
            start::absolute(reading.setup(), path).display().to_string()
        }
    };
    let log = root.get("log");
    let own = path(log, reading);
    reading.log(&own, LogKind::Error, &place(log));
    let Some(access) = root.get("accessLog") else { return };
    if access.text().is_some_and(|text| text.eq_ignore_ascii_case("false")) {
        return;
    }
    let json = access.word("format").eq_ignore_ascii_case("json");
    let format = AccessFormat {
        name: Text::new(if json { "json" } else { "common" }),
        pattern: Text::new(if json { "json" } else { "" }),
        syntax: AccessSyntax::Traefik,
    };
    let own = path(Some(access), reading);
    reading.log(&own, LogKind::Access(format), &place(Some(access)));
}

/// Whether a dynamic file has an ending that Traefik reads.
pub(super) const ENDINGS: [&str; 3] = [".toml", ".yaml", ".yml"];

/// Whether a path is one of a file with such an ending.
pub(super) fn is_document(path: &Path) -> bool {
    let name = path.to_string_lossy();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}
