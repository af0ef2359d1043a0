//! The labels of one container, as routers and services.

use std::collections::BTreeMap;

use crate::observation::{Container, Text};

/// Routers or services of one container that are kept.
const MOST: usize = 200;

/// HTTP or plain streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    Http,
    Tcp,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Router {
    pub(super) rule: String,
    pub(super) service: String,
    pub(super) entries: Vec<String>,
    pub(super) tls: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) port: String,
    pub(super) scheme: String,
    pub(super) url: String,
    pub(super) tls: bool,
    pub(super) transport: String,
    /// Path, port, status and method of its health check.
    pub(super) check: BTreeMap<String, String>,
}

/// What the labels of a container say; names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels {
    pub(super) enable: Option<bool>,
    pub(super) network: String,
    pub(super) routers: BTreeMap<(Layer, String), Router>,
    pub(super) services: BTreeMap<(Layer, String), Service>,
}

impl Labels {
    /// Reads them; what is not known is passed over.
    pub(super) fn of(container: &Container) -> Self {
        let mut read = Self::default();
        for (name, value) in &container.labels {
            let (name, value) = (name.raw().to_ascii_lowercase(), value.raw().trim());
            let parts: Vec<&str> = name.split('.').collect();
            match parts.as_slice() {
                ["traefik", "enable"] => read.enable = Some(is_true(value)),
                ["traefik", "docker", "network"] => value.clone_into(&mut read.network),
                ["traefik", layer, "routers", router, rest @ ..] => {
                    let Some(layer) = layer_of(layer) else { continue };
                    if let Some(router) = entry(&mut read.routers, layer, router) {
                        of_router(router, rest, value);
                    }
                }
                ["traefik", layer, "services", service, "loadbalancer", rest @ ..] => {
                    let Some(layer) = layer_of(layer) else { continue };
                    if let Some(service) = entry(&mut read.services, layer, service) {
                        of_service(service, rest, value);
                    }
                }
                _ => {}
            }
        }
        read
    }

    /// The names of one layer's services.
    pub(super) fn names(&self, of: Layer) -> Vec<String> {
        let own = self.services.keys().filter(|(layer, _)| *layer == of);
        own.map(|(_, name)| name.clone()).collect()
    }

    /// Whether anything of one layer is spoken of.
    pub(super) fn speaks_of(&self, of: Layer) -> bool {
        self.services.keys().chain(self.routers.keys()).any(|(layer, _)| *layer == of)
    }
}

fn layer_of(word: &str) -> Option<Layer> {
    match word {
        "http" => Some(Layer::Http),
        "tcp" => Some(Layer::Tcp),
        _ => None,
    }
}

fn entry<'m, T: Default>(
    map: &'m mut BTreeMap<(Layer, String), T>,
    layer: Layer,
    name: &str,
) -> Option<&'m mut T> {
    let key = (layer, name.to_owned());
    if map.len() >= MOST && !map.contains_key(&key) {
        return None;
    }
    Some(map.entry(key).or_default())
}

fn of_router(router: &mut Router, path: &[&str], value: &str) {
    match path {
        ["rule"] => value.clone_into(&mut router.rule),
        ["service"] => value.clone_into(&mut router.service),
        ["entrypoints"] => {
            router.entries =
                value.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        }
        ["tls"] => router.tls = is_true(value),
        ["tls", ..] => router.tls = true,
        _ => {}
    }
}

fn of_service(service: &mut Service, path: &[&str], value: &str) {
    match path {
        ["server", "port"] => value.clone_into(&mut service.port),
        ["server", "scheme"] => service.scheme = value.to_ascii_lowercase(),
        ["server", "url"] => value.clone_into(&mut service.url),
        ["server", "tls"] => service.tls = is_true(value),
        ["serverstransport"] => service.transport = value.to_ascii_lowercase(),
        ["healthcheck", word] => {
            service.check.insert((*word).to_owned(), value.to_owned());
        }
        _ => {}
    }
}

/// As Go's `strconv.ParseBool` has it.
fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// The name that a container without named services has: by Compose's service and project, else
/// its own.
pub(super) fn own_name(container: &Container) -> String {
    let name = match &container.compose {
        Some((project, service)) => format!("{}_{}", service.raw(), project.raw()),
        None => container.name.raw().to_owned(),
    };
    normalized(&name)
}

/// What is neither letter nor digit becomes a dash.
pub(super) fn normalized(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-")
}

/// The rule of a router that has none: what a template of Go makes of a container. `None` when it
/// asks for more than is known here.
pub(super) fn default_rule(template: &str, container: &Container) -> Option<String> {
    let compose = |index: usize| {
        let (project, service) = container.compose.as_ref()?;
        Some(if index == 0 { project } else { service })
    };
    let mut rule = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, tail) = after.split_once("}}")?;
        rule.push_str(before);
        let words: Vec<&str> =
            inside.split_whitespace().map(|w| w.trim_matches(['"', '`', '-'])).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let value = match words.as_slice() {
            ["normalize", ".Name"] | [".Name"] => own_name(container),
            [".ContainerName"] | ["trimPrefix", "/", ".Name"] => container.name.raw().to_owned(),
            ["normalize", ".ContainerName"] => normalized(container.name.raw()),
            ["index", ".Labels", "com.docker.compose.service"] => compose(1).map(raw)?,
            ["index", ".Labels", "com.docker.compose.project"] => compose(0).map(raw)?,
            _ => return None,
        };
        rule.push_str(&value);
        rest = tail;
    }
    rule.push_str(rest);
    Some(rule)
}

fn raw(text: &Text) -> String {
    text.raw().to_owned()
}
