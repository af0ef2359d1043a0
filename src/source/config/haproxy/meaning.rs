//! What a HAProxy configuration means for an incident.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    observation::{
        Address, ControlPoint, HealthCheck, OwnAnswer, Place as ConfigPlace, ProblemKind, Protocol,
        Resolver, Route, Setting, Site, Text, Timeouts,
    },
    source::config::{
        include::path_text,
        reading::{Reading, blank},
        scope::whole,
        setup::{Parsed, Setup},
        start, values,
    },
};

use super::{
    acl::{Asked, Tests},
    address::{self, Place},
    logs,
    sections::{Line, Section, Sections},
    server::{self, Server, time_ms},
};

/// Routes that one backend keeps.
const ROUTES: usize = 1_000;

/// Reads and understands a HAProxy configuration; never fails: what could not be read or understood
/// is among the problems.
pub(in crate::source::config) fn parse(setup: &Setup) -> Parsed {
    let mut reading = Reading::new(setup);
    let mut sections = Sections::default();
    let environment = |name: &str| start::variable(setup, name);
    let version = setup.version.as_ref().map(Text::raw);
    for config in start::configs(setup) {
        let place = whole(path_text(&config));
        let files = if reading.is_folder(&config) {
            reading.folder(&config, &[".cfg"], &place)
        } else {
            vec![config]
        };
        for file in files {
            let place = whole(path_text(&file));
            if let Some(text) = reading.file(&file, &place) {
                sections.file(&file, &text, &environment, version, &mut reading);
            }
        }
    }
    understand(&sections, &mut reading);
    reading.finish()
}

fn understand(sections: &Sections, reading: &mut Reading<'_>) {
    let global = Global::of(sections, reading);
    let mut routes = Routes::default();
    for section in sections.of("frontend").chain(sections.of("listen")) {
        routes.frontend(section, sections, reading);
    }
    let mut known = BTreeSet::new();
    for section in sections.of("backend").chain(sections.of("listen")) {
        if !known.insert(section.name.as_str()) {
            let what = format!("another section is called \"{}\"", section.name);
            reading.problems.add(ProblemKind::Syntax, section.place.clone(), what);
        }
        backend(section, &global, &routes, reading);
    }
    logs::collect(sections, reading);
}

/// What counts for all sections.
#[derive(Debug, Default)]
struct Global {
    chroot: Option<String>,
    header_buffer: Setting<u64>,
    verify: bool,
    resolvers: BTreeMap<String, Resolver>,
}

impl Global {
    fn of(sections: &Sections, reading: &mut Reading<'_>) -> Self {
        for line in sections.of("global").flat_map(|s| &s.lines) {
            if line.word(0) == "stats" && line.word(1) == "socket" {
                control(line, reading);
            }
        }
        let buffer = sections.global("tune.bufsize");
        let size = buffer.and_then(|line| values::size(line.word(1).as_bytes()));
        let rewrite = sections.global("tune.maxrewrite");
        let rewrite = rewrite.and_then(|line| values::size(line.word(1).as_bytes()));
        let header_buffer = Setting {
            value: size.unwrap_or(16_384).saturating_sub(rewrite.unwrap_or(1_024)),
            place: buffer.map(|line| line.place.clone()),
        };
        let verify = sections.global("ssl-server-verify").is_none_or(|l| l.word(1) != "none");
        Self {
            chroot: sections.global("chroot").map(|line| line.word(1).to_owned()),
            header_buffer,
            verify,
            resolvers: sections.of("resolvers").map(|s| (s.name.clone(), resolver(s))).collect(),
        }
    }
}

/// `stats socket ADDRESS …`: opened before HAProxy changes its root.
fn control(line: &Line, reading: &mut Reading<'_>) {
    let written = line.word(2);
    // A pair of sockets to the master process is nobody else's.
    if let Place::At(address) = address::read(written) {
        let address = match address {
            // One that listens everywhere is asked on the loopback.
            Address::Tcp(addr) if addr.ip().is_unspecified() => {
                let loopback = if addr.is_ipv4() {
                    std::net::IpAddr::from([127, 0, 0, 1])
                } else {
                    std::net::Ipv6Addr::LOCALHOST.into()
                };
                Address::Tcp((loopback, addr.port()).into())
            }
            other => other,
        };
        reading.controls.push(ControlPoint { address, place: line.place.clone() });
    }
}

fn resolver(section: &Section) -> Resolver {
    let servers = section.lines.iter().filter(|line| line.word(0) == "nameserver");
    let servers = servers.filter_map(|line| match address::read(line.word(2)) {
        Place::At(address) => Some(address),
        Place::SamePort { host, .. } => match address::named(&host, 53) {
            Place::At(address) => Some(address),
            _ => None,
        },
        _ => None,
    });
    let number = |words: &[&str]| section.last(words).map(|line| line.word(words.len()).to_owned());
    let retries = number(&["resolve_retries"]).and_then(|text| text.parse().ok()).unwrap_or(3_u64);
    let pause = number(&["timeout", "retry"]).and_then(|text| time_ms(&text)).unwrap_or(1_000);
    Resolver {
        servers: servers.collect(),
        timeout_ms: pause.saturating_mul(retries.saturating_add(1)),
        place: section.place.clone(),
    }
}

/// Which backend is reached from where.
#[derive(Debug, Default)]
struct Routes {
    by_backend: BTreeMap<String, Vec<Route>>,
    /// Those of rules that choose the backend while they run.
    dynamic: Vec<Route>,
    /// Ports on which clients arrive, by backend: a server without a port is asked on the same.
    ports: BTreeMap<String, BTreeSet<u16>>,
    full: bool,
}

impl Routes {
    fn frontend(&mut self, section: &Section, sections: &Sections, reading: &mut Reading<'_>) {
        let tests = Tests::of(section);
        let mut listens = Vec::new();
        for line in section.lines.iter().filter(|line| line.word(0) == "bind") {
            listens.extend(address::listens(line.from(1)));
        }
        // Before `bind` there was an address behind the name of a `listen` section.
        if section.kind == "listen" && listens.is_empty() {
            reading.problems.add(
                ProblemKind::Unknown,
                section.place.clone(),
                format!("nothing says where \"{}\" listens", section.name),
            );
        }
        let mut names: BTreeSet<Text> = BTreeSet::new();
        for line in &section.lines {
            let (backend, condition) = match line.word(0) {
                "use_backend" => (line.word(1), line.from(2)),
                "default_backend" => (line.word(1), &[][..]),
                _ => continue,
            };
            let asked = tests.asked(condition);
            names.extend(asked.hosts.iter().cloned());
            let route = route(line.place.clone(), &asked, &listens);
            if backend.contains("%[") {
                let location = Text::new(format!("use_backend {backend}"));
                self.dynamic.push(Route { location, ..route });
                self.dynamic.truncate(ROUTES);
                continue;
            }
            let exists = sections
                .list
                .iter()
                .any(|s| matches!(s.kind.as_str(), "backend" | "listen") && s.name == backend);
            if !exists {
                let what = format!("no backend is called \"{backend}\"");
                reading.problems.add(ProblemKind::Syntax, line.place.clone(), what);
            }
            self.add(backend, route);
        }
        if section.kind == "frontend" {
            self.inherited_default(section, &listens);
        } else {
            let asked = tests.asked(&[]);
            self.add(&section.name, route(section.place.clone(), &asked, &listens));
        }
        answers(section, &tests, reading);
        let names = names.into_iter().collect();
        reading.site(Site { place: section.place.clone(), listens, names });
    }

    /// A `default_backend` of the `defaults` section.
    fn inherited_default(&mut self, section: &Section, listens: &[Text]) {
        let is_default = |line: &&Line| line.word(0) == "default_backend";
        if section.lines.iter().any(|line| is_default(&line)) {
            return;
        }
        if let Some(line) = section.inherited.iter().rfind(is_default) {
            let asked = Tests::default().asked(&[]);
            self.add(line.word(1), route(line.place.clone(), &asked, listens));
        }
    }

    fn add(&mut self, backend: &str, route: Route) {
        let ports = self.ports.entry(backend.to_owned()).or_default();
        ports.extend(route.listens.iter().filter_map(|listen| port_of(listen.raw())));
        let all = self.by_backend.entry(backend.to_owned()).or_default();
        if all.len() < ROUTES {
            all.push(route);
        } else {
            self.full = true;
        }
    }

    fn of(&self, backend: &str) -> &[Route] {
        match self.by_backend.get(backend) {
            Some(routes) => routes,
            None => &self.dynamic,
        }
    }

    /// The one port on which the clients of a backend arrive.
    fn port(&self, backend: &str) -> Option<u16> {
        let ports = self.ports.get(backend)?;
        ports.first().copied().filter(|_| ports.len() == 1)
    }
}

fn port_of(listen: &str) -> Option<u16> {
    listen.split(' ').next()?.rsplit(':').next()?.parse().ok()
}

fn route(place: ConfigPlace, asked: &Asked, listens: &[Text]) -> Route {
    Route {
        place,
        server_names: asked.hosts.clone(),
        location: asked.location.clone(),
        listens: listens.to_vec(),
    }
}

/// `http-request return status N`, `deny`, `tarpit`: answers that no server gives.
fn answers(section: &Section, tests: &Tests, reading: &mut Reading<'_>) {
    for line in section.all() {
        if !matches!(line.word(0), "http-request" | "http-response" | "http-after-response") {
            continue;
        }
        let default = match line.word(1) {
            "return" => 200,
            "deny" => 403,
            "tarpit" => 500,
            _ => continue,
        };
        let words = line.from(2);
        let at = |name: &str| words.iter().position(|word| word == name);
        let status = at("status").or_else(|| at("deny_status"));
        let status = status.and_then(|at| words.get(at + 1)).and_then(|text| text.parse().ok());
        let condition = at("if").or_else(|| at("unless")).and_then(|at| words.get(at..));
        let asked = tests.asked(condition.unwrap_or_default());
        reading.answer(OwnAnswer {
            place: line.place.clone(),
            status: status.unwrap_or(default),
            server_names: asked.hosts,
            // Unconditional is every location.
            location: if asked.location.raw() == "/" { Text::default() } else { asked.location },
        });
    }
}

fn backend(section: &Section, global: &Global, routes: &Routes, reading: &mut Reading<'_>) {
    let tests = Tests::of(section);
    if section.kind == "backend" {
        answers(section, &tests, reading);
    }
    let servers = servers(section, reading);
    let size = u32::try_from(servers.len()).unwrap_or(u32::MAX);
    let tcp = section.last(&["mode"]).is_none_or(|line| line.word(1) != "http");
    let fastcgi = section.last(&["use-fcgi-app"]).is_some();
    let disabled = section.last(&["disabled"]).is_some();
    for server in servers {
        let protocol = match (fastcgi, tcp, server.tls) {
            (true, ..) => Protocol::Fastcgi,
            (_, true, true) => Protocol::Tls,
            (_, true, false) => Protocol::Tcp,
            (_, false, true) => Protocol::Https,
            (_, false, false) => Protocol::Http,
        };
        let address = address_of(&server, global, routes.port(&section.name), reading);
        let check = (server.check || server.tracks.is_some()).then(|| HealthCheck {
            address: server.checked_at(address.as_ref()),
            ..server::check_of(section, &server)
        });
        let mut params = server.params(check);
        params.down |= disabled;
        let resolver = server.resolvers.as_ref().and_then(|name| global.resolvers.get(name));
        if let (Some(name), None) = (&server.resolvers, resolver) {
            let what = format!("no resolvers section is called \"{name}\"");
            reading.problems.add(ProblemKind::Syntax, server.place.clone(), what);
        }
        let per_request = resolver.is_some() && matches!(address, Some(Address::Name { .. }));
        let tls_verify = protocol.is_tls() && server.verify.unwrap_or(global.verify);
        let mut upstream = blank(&server.place, &server.written, address, protocol);
        upstream.group = Some(Text::new(&section.name));
        upstream.group_size = size;
        upstream.per_request = per_request;
        upstream.params = params;
        upstream.timeouts = timeouts(section);
        upstream.header_buffer = global.header_buffer.clone();
        upstream.resolver = resolver.cloned();
        upstream.tls_verify = tls_verify;
        upstream.tls = server.tls_facts;
        upstream.routes = routes.of(&section.name).to_vec();
        reading.upstream(upstream);
    }
}

fn servers(section: &Section, reading: &mut Reading<'_>) -> Vec<Server> {
    let mut defaults: Vec<&Line> = Vec::new();
    let mut servers: Vec<Server> = Vec::new();
    for line in section.all() {
        match line.word(0) {
            "default-server" => defaults.push(line),
            "server" | "server-template" => {
                let Some(server) = Server::of(line, &defaults) else {
                    let what = "a server needs a name and an address";
                    reading.problems.add(ProblemKind::Syntax, line.place.clone(), what);
                    continue;
                };
                if servers.iter().any(|known| known.name == server.name) {
                    let what = format!("another server is called \"{}\"", server.name);
                    reading.problems.add(ProblemKind::Syntax, line.place.clone(), what);
                }
                servers.push(server);
            }
            _ => {}
        }
    }
    servers
}

/// The address of a server as the rest of the host sees it: a socket's path is below the root that
/// HAProxy changed to.
fn address_of(
    server: &Server,
    global: &Global,
    port: Option<u16>,
    reading: &mut Reading<'_>,
) -> Option<Address> {
    match server.address.clone()? {
        Place::At(Address::Unix(path)) => {
            let path = match &global.chroot {
                Some(chroot) if !chroot.is_empty() => {
                    Text::new(format!("{}{}", chroot.trim_end_matches('/'), path.raw()))
                }
                _ => path,
            };
            Some(Address::Unix(path))
        }
        Place::At(address) => Some(address),
        Place::SamePort { host, offset } => {
            let port = i32::from(port?).checked_add(offset)?;
            match address::named(&host, u16::try_from(port).ok()?) {
                Place::At(address) => Some(address),
                _ => None,
            }
        }
        Place::Elsewhere => None,
        Place::Bad => {
            let what = format!("\"{}\" is no address", server.written);
            reading.problems.add(ProblemKind::Syntax, server.place.clone(), what);
            None
        }
    }
}

fn timeouts(section: &Section) -> Timeouts {
    let setting = |name: &str| {
        let line = section.last(&["timeout", name]);
        let value = line.and_then(|line| time_ms(line.word(2))).unwrap_or(0);
        Setting { value, place: line.map(|line| line.place.clone()) }
    };
    Timeouts { connect: setting("connect"), send: setting("server"), read: setting("server") }
}
