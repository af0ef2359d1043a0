//! The configuration of a gateway with what the labels of containers add to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    evidence::CaseFile,
    observation::{
        Address, ConfigProblem, ConfiguredUpstream, Container, GatewayConfig, HealthCheck,
        LabelProvider, Place, ProblemKind, Protocol, Route, ServerParams, Setting, Site, Text,
        Transport, UpstreamId, UpstreamTls,
    },
};

use super::{
    constraint,
    container::{Labels, Layer, Router, Service, default_rule, own_name},
    place::{Ground, Spot},
    rule,
};

/// Upstreams that labels make.
const UPSTREAMS: usize = 20_000;
/// Routers that labels make.
const ROUTERS: usize = 20_000;
/// Problems told of labels.
const PROBLEMS: usize = 100;

/// Reads the labels of containers again, for every gateway that goes by them. Nothing is done where
/// neither they nor its configuration changed since.
pub fn read_labels(case: &mut CaseFile) {
    if !std::mem::take(&mut case.labels_unread) {
        return;
    }
    let mut all = Vec::new();
    for base in case.written.values() {
        let Some(provider) = base.labels.as_deref() else { continue };
        let gateway = case.gateways.get(&base.gateway);
        let ground = Ground { provider, gateway, containers: &case.containers, now: case.now.wall };
        all.push(joined(base, &ground));
    }
    for config in all {
        if case.configs.get(&config.gateway) != Some(&config) {
            case.logs.tie(&config);
            case.configs.insert(config.gateway.clone(), config);
        }
    }
}

/// A configuration as its files have it, with the routes and servers of containers.
pub(super) fn joined(base: &GatewayConfig, ground: &Ground<'_>) -> GatewayConfig {
    let mut config = base.clone();
    let mut found = Found::default();
    if ground.is_near() {
        for container in ground.containers.values() {
            found.take(container, ground);
        }
    } else {
        let endpoint = ground.provider.endpoint.raw();
        let what = format!("the containers of the engine at {endpoint} are not looked at");
        found.problem(ground.provider.place.clone(), what);
    }
    let mut routes: BTreeMap<(Layer, String), Vec<Route>> = BTreeMap::new();
    for ((layer, name), (router, place)) in &found.routers {
        if found.contested.contains(&(*layer, name.clone())) {
            continue;
        }
        let route = route(router, place, ground.provider);
        config.sites.push(Site {
            place: place.clone(),
            listens: route.listens.clone(),
            names: route.server_names.clone(),
        });
        match router.service.split_once('@') {
            Some((service, "file")) => to_file(&mut config.upstreams, service, &route),
            Some((_, provider)) if provider != "docker" => {}
            own => {
                let service = own.map_or(router.service.as_str(), |(service, _)| service);
                routes.entry((*layer, service.to_owned())).or_default().push(route);
            }
        }
    }
    for (service, route) in &ground.provider.routes {
        for layer in [Layer::Http, Layer::Tcp] {
            let key = (layer, service.raw().to_owned());
            if found.servers.contains_key(&key) {
                routes.entry(key).or_default().push(route.clone());
            }
        }
    }
    for key in routes.keys().filter(|key| !found.servers.contains_key(*key)) {
        let place = routes.get(key).and_then(|all| all.first()).map(|route| route.place.clone());
        let what = format!("no container makes a service \"{}\"", key.1);
        found.problems.extend(place.map(|place| problem(place, what)));
    }
    let mut ids = BTreeSet::new();
    for (key, servers) in &found.servers {
        let size = u32::try_from(servers.len()).unwrap_or(u32::MAX);
        for server in servers {
            let routes = routes.get(key).cloned().unwrap_or_default();
            let mut upstream = upstream(&key.1, key.0, server, ground.provider);
            upstream.group_size = size;
            upstream.routes = routes;
            upstream.id = id(&config, &upstream.place, &mut ids);
            config.upstreams.push(upstream);
        }
    }
    config.problems.extend(found.problems);
    config
}

fn to_file(upstreams: &mut [ConfiguredUpstream], service: &str, route: &Route) {
    let own = |upstream: &&mut ConfiguredUpstream| {
        upstream.group.as_ref().is_some_and(|group| group.raw().eq_ignore_ascii_case(service))
    };
    for upstream in upstreams.iter_mut().filter(own) {
        upstream.routes.push(route.clone());
    }
}

fn id(config: &GatewayConfig, place: &Place, taken: &mut BTreeSet<String>) -> UpstreamId {
    let base = format!("{}:{}", config.gateway.0.raw(), place.file.raw());
    let mut id = base.clone();
    for n in 2.. {
        if taken.insert(id.clone()) {
            break;
        }
        id = format!("{base}#{n}");
    }
    UpstreamId(Text::new(id))
}

/// A server that a container is for a service.
#[derive(Clone, Debug)]
struct Server {
    container: crate::observation::ContainerId,
    place: Place,
    service: Service,
    written: String,
    address: Option<Address>,
}

/// What the containers say together.
#[derive(Debug, Default)]
struct Found {
    routers: BTreeMap<(Layer, String), (Router, Place)>,
    /// Routers that containers define in different ways: Traefik takes none of them.
    contested: BTreeSet<(Layer, String)>,
    servers: BTreeMap<(Layer, String), Vec<Server>>,
    count: usize,
    problems: Vec<ConfigProblem>,
}

fn problem(place: Place, what: String) -> ConfigProblem {
    ConfigProblem { kind: ProblemKind::Unknown, place, what: Text::new(what) }
}

impl Found {
    fn problem(&mut self, place: Place, what: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(problem(place, what));
        }
    }

    fn take(&mut self, container: &Container, ground: &Ground<'_>) {
        let provider = ground.provider;
        // One that says nothing is served by the default rule alone, which nobody set up without a
        // rule of their own.
        let silent = container.labels.is_empty();
        if silent && (!provider.exposed_by_default || provider.default_rule.is_empty()) {
            return;
        }
        let file = Text::new(format!("labels of container {}", container.name.raw()));
        let place = Place { file, line: 0 };
        let labels = Labels::of(container);
        let has_routes = labels.routers.keys().next().is_some();
        if !labels.enable.unwrap_or(provider.exposed_by_default) {
            if has_routes && ground.is_meant(container) {
                let why = match labels.enable {
                    Some(_) => "traefik.enable=false keeps Traefik from them",
                    None => "traefik.enable=true is missing, which Traefik wants here",
                };
                self.problem(place, format!("its labels define routes, and {why}"));
            }
            return;
        }
        if !self.is_taken(container, provider, &place) || !ground.is_meant(container) {
            return;
        }
        let servers = match self.servers_of(container, &labels, ground, &place) {
            Ok(servers) => servers,
            Err(why) => {
                if !silent {
                    self.problem(place, why);
                }
                return;
            }
        };
        let names = |layer| -> Vec<String> {
            servers
                .iter()
                .filter(|(own, ..)| *own == layer)
                .map(|(_, name, _)| name.clone())
                .collect()
        };
        for (layer, name, router) in routers_of(container, &labels) {
            let router = self.completed(router, &name, &names(layer), container, provider, &place);
            let Some(router) = router else { continue };
            self.router((layer, name), router, &place);
        }
        for (layer, name, server) in servers {
            if self.count < UPSTREAMS {
                self.count += 1;
                self.servers.entry((layer, name)).or_default().push(server);
            }
        }
    }

    fn is_taken(&mut self, container: &Container, provider: &LabelProvider, place: &Place) -> bool {
        let label = |name: &str| match name {
            "com.docker.compose.project" | "com.docker.compose.service" => {
                let pair = container.compose.as_ref();
                let part = |(project, service): &(Text, Text)| {
                    if name.ends_with("project") { project } else { service }.raw().to_owned()
                };
                Some(pair.map(part))
            }
            _ if super::is_wanted(name) => {
                let mut own = container.labels.iter().filter(|(own, _)| own.raw() == name);
                Some(own.next().map(|(_, value)| value.raw().to_owned()))
            }
            _ => None,
        };
        let holds = constraint::holds(provider.constraints.raw(), &label);
        if holds.is_none() {
            let what =
                format!("whether it fulfils \"{}\" is not known", provider.constraints.raw());
            self.problem(place.clone(), what);
        }
        holds != Some(false)
    }

    fn servers_of(
        &mut self,
        container: &Container,
        labels: &Labels,
        ground: &Ground<'_>,
        place: &Place,
    ) -> Result<Vec<(Layer, String, Server)>, String> {
        let mut services: Vec<(Layer, String, Service)> = Vec::new();
        for layer in [Layer::Http, Layer::Tcp] {
            let own = labels.services.iter().filter(|((own, _), _)| *own == layer);
            services.extend(own.map(|((_, name), service)| (layer, name.clone(), service.clone())));
            let named = services.iter().any(|(own, ..)| *own == layer);
            if !named && is_served(labels, layer) {
                services.push((layer, own_name(container).to_lowercase(), Service::default()));
            }
        }
        let mut servers = Vec::new();
        for (layer, name, service) in services {
            let (address, written) = if service.url.is_empty() {
                let port = Ground::port(container, &service.port)?;
                let Spot { address, doubt } = ground.spot(container, &labels.network, port);
                if let Some(doubt) = doubt {
                    self.problem(place.clone(), doubt);
                }
                (address, format!("port {port} of container {}", container.name.raw()))
            } else {
                (of_url(&service.url), service.url.clone())
            };
            let (container, place) = (container.id.clone(), place.clone());
            servers.push((layer, name, Server { container, place, service, written, address }));
        }
        Ok(servers)
    }

    /// A router with what it leaves to the defaults; `None` where Traefik leaves it out.
    fn completed(
        &mut self,
        mut router: Router,
        name: &str,
        services: &[String],
        container: &Container,
        provider: &LabelProvider,
        place: &Place,
    ) -> Option<Router> {
        if router.service.is_empty() {
            let [only] = services else {
                let what = format!("its router \"{name}\" names none of its several services");
                self.problem(place.clone(), what);
                return None;
            };
            router.service.clone_from(only);
        }
        router.service.make_ascii_lowercase();
        if router.rule.is_empty() {
            let template = provider.default_rule.raw();
            let template =
                if template.is_empty() { "Host(`{{ normalize .Name }}`)" } else { template };
            router.rule = default_rule(template, container).unwrap_or_else(|| template.to_owned());
        }
        Some(router)
    }

    fn router(&mut self, key: (Layer, String), router: Router, place: &Place) {
        if self.routers.len() >= ROUTERS {
            return;
        }
        match self.routers.get(&key) {
            Some((known, _)) if *known == router => {}
            Some((_, other)) => {
                let what = format!(
                    "its router \"{}\" is another one in the {}: Traefik takes neither",
                    key.1,
                    other.file.raw()
                );
                self.problem(place.clone(), what);
                self.contested.insert(key);
            }
            None => {
                self.routers.insert(key, (router, place.clone()));
            }
        }
    }
}

/// Whether a container is served in one layer: by HTTP unless its labels speak of streams alone.
fn is_served(labels: &Labels, layer: Layer) -> bool {
    match layer {
        Layer::Tcp => labels.speaks_of(Layer::Tcp),
        Layer::Http => labels.speaks_of(Layer::Http) || !labels.speaks_of(Layer::Tcp),
    }
}

/// Routers of a container; one of its own name where HTTP has none.
fn routers_of(container: &Container, labels: &Labels) -> Vec<(Layer, String, Router)> {
    let own = labels.routers.iter();
    let mut all: Vec<(Layer, String, Router)> =
        own.map(|((layer, name), router)| (*layer, name.clone(), router.clone())).collect();
    let named = all.iter().any(|(layer, ..)| *layer == Layer::Http);
    if !named && is_served(labels, Layer::Http) && labels.names(Layer::Http).len() < 2 {
        all.push((Layer::Http, own_name(container).to_lowercase(), Router::default()));
    }
    all
}

fn route(router: &Router, place: &Place, provider: &LabelProvider) -> Route {
    let (server_names, location) = rule::read(&router.rule);
    let uses = |name: &str| router.entries.is_empty() || router.entries.iter().any(|e| e == name);
    let listens = provider
        .entry_points
        .iter()
        .filter(|(name, _)| uses(&name.raw().to_ascii_lowercase()))
        .map(|(_, listen)| {
            let listen = listen.raw();
            let ssl = if router.tls && !listen.ends_with(" ssl") { " ssl" } else { "" };
            Text::new(format!("{listen}{ssl}"))
        })
        .collect();
    Route { place: place.clone(), server_names, location, listens }
}

fn of_url(url: &str) -> Option<Address> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let port = if scheme == "https" { 443 } else { 80 };
    Address::parse(authority, port).filter(|address| address.port() != Some(0))
}

fn upstream(
    group: &str,
    layer: Layer,
    server: &Server,
    provider: &LabelProvider,
) -> ConfiguredUpstream {
    let service = &server.service;
    let secure = service.scheme == "https" || service.url.starts_with("https://");
    let protocol = match layer {
        Layer::Tcp if service.tls => Protocol::Tls,
        Layer::Tcp => Protocol::Tcp,
        Layer::Http if secure => Protocol::Https,
        Layer::Http => Protocol::Http,
    };
    let transport = transport(provider, &service.transport);
    ConfiguredUpstream {
        id: UpstreamId(Text::default()),
        place: server.place.clone(),
        address: server.address.clone(),
        written: Text::new(&server.written),
        group: Some(Text::new(group)),
        group_size: 1,
        protocol,
        per_request: false,
        params: ServerParams {
            max_fails: 0,
            fail_timeout_secs: 0,
            check: check(server),
            ..ServerParams::default()
        },
        timeouts: transport.map(|t| t.timeouts.clone()).unwrap_or_default(),
        // Go's own limit of an answer's header.
        header_buffer: Setting { value: 10 << 20, place: None },
        resolver: None,
        tls_verify: protocol.is_tls() && transport.is_none_or(|t| t.verify),
        tls: if protocol.is_tls() {
            let facts = transport.map(|t| t.tls.clone()).unwrap_or_default();
            UpstreamTls { sends_name: true, ..facts }
        } else {
            UpstreamTls::default()
        },
        fixed_by: None,
        container: Some(server.container.clone()),
        chosen: false,
        timeouts_differ: false,
        keepalive: 0,
        routes: Vec::new(),
    }
}

/// How a service is spoken to: by the transport that it names, else by the default.
fn transport<'p>(provider: &'p LabelProvider, named: &str) -> Option<&'p Transport> {
    let name = named.split('@').next().unwrap_or_default();
    let find = |wanted: &str| {
        let mut all = provider.transports.iter();
        all.find(|(name, _)| name.raw().eq_ignore_ascii_case(wanted)).map(|(_, t)| t)
    };
    find(name).or_else(|| find(""))
}

fn check(server: &Server) -> Option<Box<HealthCheck>> {
    let word = |key: &str| server.service.check.get(key).map(String::as_str).unwrap_or_default();
    let path = Some(word("path")).filter(|path| !path.is_empty())?;
    let method = Some(word("method")).filter(|m| !m.is_empty()).unwrap_or("GET");
    let port = word("port").parse::<u16>().ok().filter(|port| *port > 0);
    let address = match (&server.address, port) {
        (Some(Address::Tcp(at)), Some(port)) if at.port() != port => {
            Some(Address::Tcp((at.ip(), port).into()))
        }
        _ => None,
    };
    Some(Box::new(HealthCheck {
        place: server.place.clone(),
        request: Text::new(format!("{method} {path}")),
        expect: Text::new(word("status")),
        address,
    }))
}
