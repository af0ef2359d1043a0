//! What a configuration of Apache means for an incident: upstreams, virtual hosts, logs, problems.

use std::collections::BTreeSet;

use crate::{
    observation::{
        ConfiguredUpstream, GatewayConfig, OwnAnswer, Place, ProblemKind, Protocol, Route, Setting,
        Site, Text, Timeouts, UpstreamId, UpstreamTls,
    },
    source::config::{
        collect::{Naming, Upstreams},
        include::Problems,
        logs::Logs,
        scope::whole,
        setup::{Parsed, Setup},
    },
};

use super::{
    load::{Loaded, Node, load},
    logs::{self, Formats},
    target::{Target, is_url, target},
    workers::{Params, Workers, balancer, time_ms},
};

/// Seconds that Apache waits for a backend when nothing says otherwise (`Timeout`).
const TIMEOUT_MS: u64 = 60_000;
/// Answers of its own that are kept.
const ANSWERS: usize = 200;

/// Reads and understands a configuration of Apache. Blocks on the file system; never fails: what
/// could not be read or understood is among the problems.
pub(in crate::source::config) fn parse(setup: &Setup) -> Parsed {
    let mut loaded = load(setup);
    let nodes = std::mem::take(&mut loaded.nodes);
    let problems = std::mem::take(&mut loaded.problems);
    let mut reader = Reader {
        loaded: &loaded,
        problems,
        logs: Logs::new(setup.gateway.clone(), setup.root.prefix(), &loaded.server_root),
        upstreams: Upstreams::default(),
        sites: Vec::new(),
        answers: Vec::new(),
        lacking: BTreeSet::new(),
    };
    if loaded.readable {
        reader.main(setup, &nodes);
    }
    if let Some(who) = &setup.reader {
        reader.logs.drop_foreign(&setup.root, who, &mut reader.problems);
    }
    let config = GatewayConfig {
        gateway: setup.gateway.clone(),
        upstreams: reader.upstreams.finish(&setup.label),
        sites: reader.sites,
        logs: reader.logs.targets,
        answers: reader.answers,
        controls: Vec::new(),
        labels: None,
        loaded: None,
        problems: reader.problems.finish(),
        files: loaded.files,
        modified: loaded.modified,
        unlogged: false,
    };
    Parsed { config, watched: loaded.watched, readable: loaded.readable }
}

struct Reader<'l> {
    loaded: &'l Loaded,
    problems: Problems,
    logs: Logs,
    upstreams: Upstreams,
    sites: Vec<Site>,
    answers: Vec<OwnAnswer>,
    /// Modules that were found missing, each told once.
    lacking: BTreeSet<&'static str>,
}

/// The main server or a virtual host.
#[derive(Clone, Debug, Default)]
struct Server {
    names: Vec<Text>,
    listens: Vec<Text>,
    timeout: Option<Setting<u64>>,
    proxy_timeout: Option<Setting<u64>>,
    tls_verify: bool,
    /// Whether clients come by TLS.
    tls: bool,
    /// Whether TLS may be spoken to backends.
    proxy_tls: bool,
    /// How it is spoken.
    towards: UpstreamTls,
    workers: Workers,
    formats: Formats,
}

impl Reader<'_> {
    fn main(&mut self, setup: &Setup, nodes: &[Node]) {
        let mut main = Server::default();
        self.settings(&mut main, nodes, None);
        let named = nodes.iter().any(|node| node.name == "errorlog");
        if !named && !setup.error_log.as_os_str().is_empty() {
            let place = whole(crate::source::config::include::path_text(&setup.config));
            let path = setup.error_log.as_os_str().as_encoded_bytes();
            self.logs.add(path, crate::observation::LogKind::Error, place);
        }
        let listens: Vec<Text> = nodes
            .iter()
            .filter(|node| node.name == "listen")
            .map(|node| Text::new(node.args.join(" ")))
            .collect();
        let hosts: Vec<&Node> = nodes.iter().filter(|node| node.name == "<virtualhost").collect();
        main.listens = listens;
        self.logs_of(&main, nodes);
        self.walk(nodes, &main, "", false);
        if hosts.is_empty() {
            let place = nodes.first().map(|node| self.loaded.place(node)).unwrap_or_default();
            self.sites.push(Site {
                place,
                listens: main.listens.clone(),
                names: main.names.clone(),
            });
        }
        for host in hosts {
            self.host(&main, host);
        }
    }

    fn host(&mut self, main: &Server, node: &Node) {
        let mut server = Server { names: Vec::new(), tls: false, ..main.clone() };
        self.settings(&mut server, &node.children, None);
        let tls = if server.tls { " ssl" } else { "" };
        server.listens = node.args.iter().map(|at| Text::new(format!("{at}{tls}"))).collect();
        self.sites.push(Site {
            place: self.loaded.place(node),
            listens: server.listens.clone(),
            names: server.names.clone(),
        });
        self.logs_of(&server, &node.children);
        self.walk(&node.children, &server, "", false);
    }

    /// Takes in what holds in a whole server, wherever in it it is written.
    fn settings(&mut self, server: &mut Server, nodes: &[Node], around: Option<&str>) {
        for node in nodes {
            let place = || self.loaded.place(node);
            let seconds = || {
                let value = time_ms(node.arg(0)?)?;
                Some(Setting { value, place: Some(self.loaded.place(node)) })
            };
            match node.name.as_str() {
                "servername" | "serveralias" => {
                    // `ServerName https://shop.lan:443` names the host alone.
                    let bare = |name: &String| {
                        let name = name.rsplit("://").next().unwrap_or(name);
                        Text::new(name.split(':').next().unwrap_or(name))
                    };
                    server.names.extend(node.args.iter().map(bare));
                }
                "timeout" => server.timeout = seconds().or_else(|| server.timeout.take()),
                "proxytimeout" => {
                    server.proxy_timeout = seconds().or_else(|| server.proxy_timeout.take());
                }
                "sslengine" => server.tls = node.arg(0).is_some_and(is_on),
                "sslproxyengine" => server.proxy_tls = node.arg(0).is_some_and(is_on),
                "sslproxycacertificatefile" => server.towards.trusted = node.arg(0).map(Text::new),
                "sslproxymachinecertificatefile" => {
                    server.towards.certificate = node.arg(0).map(Text::new);
                }
                "sslproxyprotocol" => {
                    server.towards.protocols = Some(Text::new(node.args.join(" ")));
                }
                "proxypreservehost" if node.arg(0).is_some_and(is_on) => {
                    server.towards.name = server.names.first().cloned();
                }
                "sslproxyverify" => {
                    server.tls_verify = node.arg(0).is_some_and(|mode| {
                        mode.eq_ignore_ascii_case("require")
                            || mode.eq_ignore_ascii_case("optional")
                    });
                }
                "logformat" => server.formats.learn(node),
                "balancermember" => {
                    let name = around.and_then(balancer);
                    server.workers.member(name.as_deref(), node, place());
                }
                "proxyset" => server.workers.set(around, &node.args, &place()),
                "<proxy" => {
                    server.workers.set(None, &node.args, &place());
                    let url = node.arg(0).unwrap_or_default().to_owned();
                    self.settings(server, &node.children, Some(&url));
                }
                // Other sections hold no settings of a server, but for the conditions.
                "<if" | "<else" | "<elseif" => self.settings(server, &node.children, around),
                _ => {}
            }
        }
    }

    fn logs_of(&mut self, server: &Server, nodes: &[Node]) {
        for node in nodes {
            let place = self.loaded.place(node);
            match node.name.as_str() {
                "errorlog" => logs::errors(node, place, &mut self.logs),
                "customlog" | "transferlog" | "globallog" => {
                    let (logs, problems) = (&mut self.logs, &mut self.problems);
                    logs::access(node, place, &server.formats, logs, problems);
                }
                _ => {}
            }
        }
    }

    /// Goes through a server, and through the sections in it. `location` is empty outside of them.
    fn walk(&mut self, nodes: &[Node], server: &Server, location: &str, rewrites: bool) {
        let engine = |node: &&Node| node.name == "rewriteengine";
        let rewrites =
            nodes.iter().rfind(engine).map_or(rewrites, |node| node.arg(0).is_some_and(is_on));
        for node in nodes {
            let first = node.arg(0).unwrap_or_default();
            match node.name.as_str() {
                "proxypass" => self.pass(node, server, location, false),
                "proxypassmatch" => self.pass(node, server, location, true),
                "sethandler" | "addhandler" => {
                    if let Some((kind, url)) = first.split_once(':')
                        && kind.eq_ignore_ascii_case("proxy")
                    {
                        self.route(node, server, location, url, &[]);
                    }
                }
                "rewriterule" if rewrites => self.rewrite(node, server, location),
                "redirect" | "redirectmatch" => {
                    // Inside of a location the status may stand alone.
                    let path = node.arg(1).unwrap_or_default();
                    let at = match (path, node.name.as_str()) {
                        ("", _) => location.to_owned(),
                        (path, "redirectmatch") => format!("~ {path}"),
                        (path, _) => path.to_owned(),
                    };
                    self.answer(node, server, status_of(first), &at);
                }
                "<location" => self.walk(&node.children, server, &node.args.join(" "), rewrites),
                "<locationmatch" => {
                    self.walk(&node.children, server, &format!("~ {first}"), rewrites);
                }
                "<filesmatch" => {
                    let inner = beside(location, &format!("files ~ {first}"));
                    self.walk(&node.children, server, &inner, rewrites);
                }
                "<files" => {
                    let inner = beside(location, &format!("files {}", node.args.join(" ")));
                    self.walk(&node.children, server, &inner, rewrites);
                }
                // A folder says nothing of the URL, and rewriting is switched on in it anew.
                "<directory" | "<directorymatch" => {
                    let inner = beside(location, &format!("directory {}", node.args.join(" ")));
                    self.walk(&node.children, server, &inner, false);
                }
                "<if" | "<else" | "<elseif" | "<limit" | "<limitexcept" => {
                    self.walk(&node.children, server, location, rewrites);
                }
                _ => {}
            }
        }
    }

    /// `ProxyPass [path] url [key=value …]`; in a location the path is given.
    fn pass(&mut self, node: &Node, server: &Server, location: &str, pattern: bool) {
        let (path, rest) = match node.args.split_first() {
            Some((first, _)) if !location.is_empty() && is_url(first) => {
                (location.to_owned(), node.args.as_slice())
            }
            Some((first, rest)) if pattern => (format!("~ {first}"), rest),
            Some((first, rest)) => (first.clone(), rest),
            None => return,
        };
        let rest: Vec<String> =
            rest.iter().filter(|word| !word.eq_ignore_ascii_case("interpolate")).cloned().collect();
        let Some((url, params)) = rest.split_first() else {
            let place = self.loaded.place(node);
            self.problems.add(ProblemKind::Unknown, place, "ProxyPass takes a path and a URL");
            return;
        };
        self.route(node, server, &path, url, params);
    }

    /// `RewriteRule pattern url [P,…]` (`mod_rewrite`).
    fn rewrite(&mut self, node: &Node, server: &Server, location: &str) {
        let flags = node.arg(2).unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let flag = |names: [&str; 2]| {
            flags.split(',').map(str::trim).find(|own| {
                let own = own.split('=').next().unwrap_or(own);
                names.iter().any(|name| own.eq_ignore_ascii_case(name))
            })
        };
        let pattern = node.arg(0).unwrap_or_default();
        if flag(["P", "proxy"]).is_some() {
            let url = node.arg(1).unwrap_or_default();
            let path =
                if location.is_empty() { format!("~ {pattern}") } else { location.to_owned() };
            self.route(node, server, &path, url, &[]);
        } else if let Some(status) = flag(["R", "redirect"]).and_then(|flag| flag.split_once('=')) {
            let at = match (location, pattern.strip_prefix('!')) {
                ("", None) => format!("~ {pattern}"),
                // What is not said of some paths is said of all others.
                ("", Some(_)) => String::new(),
                (location, _) => location.to_owned(),
            };
            self.answer(node, server, status_of(status.1), &at);
        }
    }

    fn answer(&mut self, node: &Node, server: &Server, status: Option<u16>, location: &str) {
        let Some(status) = status.filter(|_| self.answers.len() < ANSWERS) else { return };
        self.answers.push(OwnAnswer {
            place: self.loaded.place(node),
            status,
            server_names: server.names.clone(),
            location: Text::new(location),
        });
    }

    fn route(&mut self, node: &Node, server: &Server, path: &str, url: &str, params: &[String]) {
        let place = self.loaded.place(node);
        let route = Route {
            place: place.clone(),
            server_names: server.names.clone(),
            location: Text::new(path),
            listens: server.listens.clone(),
        };
        let mut own = Params::default();
        own.take(params, &place);
        match target(url) {
            Target::Balancer(name) => self.balanced(server, &route, &name, &own),
            found => {
                let params = own.over(&server.workers.params_of(url));
                let at = Named { url, place, index: node.index, group: None, group_size: 1 };
                self.add(server, &route, at, found, &params);
            }
        }
    }

    fn balanced(&mut self, server: &Server, route: &Route, name: &str, own: &Params) {
        let members = server.workers.members(name);
        if members.is_empty() {
            let what = format!("balancer://{name} has no members here");
            self.problems.add(ProblemKind::Unknown, route.place.clone(), what);
        }
        let shared = own.over(&server.workers.params_of(&format!("balancer://{name}")));
        let size = u32::try_from(members.len()).unwrap_or(u32::MAX);
        for member in members {
            let params = member.params.over(&shared);
            let at = Named {
                url: &member.url,
                place: member.place.clone(),
                index: member.index,
                group: Some(Text::new(name)),
                group_size: size,
            };
            self.add(server, route, at, target(&member.url), &params);
        }
    }

    fn add(
        &mut self,
        server: &Server,
        route: &Route,
        at: Named<'_>,
        found: Target,
        params: &Params,
    ) {
        let (address, protocol) = match found {
            Target::Address(address, protocol) => (Some(address), protocol),
            Target::Open(protocol) => (None, protocol),
            Target::None | Target::Balancer(_) => return,
            Target::Unknown(scheme) => {
                let what = format!("no module of Apache speaks \"{scheme}\"");
                self.problems.add(ProblemKind::Unknown, at.place, what);
                return;
            }
            Target::Bad(what) => {
                self.problems.add(ProblemKind::Unknown, at.place, what);
                return;
            }
        };
        if let Some(module) = module_of(protocol)
            && self.loaded.modules.lacks(module)
            && self.lacking.insert(module)
        {
            let what = format!("{} needs {module}, which is not loaded", protocol.as_str());
            self.problems.add(ProblemKind::Unknown, at.place.clone(), what);
        }
        if protocol.is_tls() && !server.proxy_tls {
            let what = "TLS to a backend needs SSLProxyEngine on, and it is off here";
            self.problems.add(ProblemKind::Unknown, route.place.clone(), what);
        }
        let keeps = matches!(protocol, Protocol::Http | Protocol::Https | Protocol::Ajp);
        let naming = Naming {
            index: at.index,
            place: at.place,
            written: Text::new(at.url),
            group: at.group,
            group_size: at.group_size,
            params: params.server(),
            keepalive: params.idle(keeps),
            resolver: None,
            chosen: false,
            address,
        };
        let timeouts = server.timeouts(params);
        let header_buffer = params.field_size();
        let problems = &mut self.problems;
        let per_request = naming.address.is_none();
        let tls = if protocol.is_tls() {
            UpstreamTls { sends_name: true, ..server.towards.clone() }
        } else {
            UpstreamTls::default()
        };
        self.upstreams.add(naming, protocol, per_request, route, problems, |naming| {
            ConfiguredUpstream {
                id: UpstreamId(Text::default()),
                place: naming.place,
                per_request,
                tls,
                fixed_by: None,
                container: None,
                chosen: false,
                timeouts_differ: false,
                address: naming.address,
                written: naming.written,
                group: naming.group,
                group_size: naming.group_size,
                protocol,
                params: naming.params,
                timeouts,
                header_buffer,
                resolver: None,
                tls_verify: protocol.is_tls() && server.tls_verify,
                keepalive: naming.keepalive,
                routes: Vec::new(),
            }
        });
    }
}

/// The line that names an address.
struct Named<'u> {
    url: &'u str,
    place: Place,
    index: usize,
    group: Option<Text>,
    group_size: u32,
}

impl Server {
    /// `timeout=` of the worker, then `ProxyTimeout`, then `Timeout`; connecting takes the same
    /// unless `connectiontimeout=` is set.
    fn timeouts(&self, params: &Params) -> Timeouts {
        let own = params.time("timeout").or_else(|| self.proxy_timeout.clone());
        let read = own.or_else(|| self.timeout.clone());
        let read = read.unwrap_or(Setting { value: TIMEOUT_MS, place: None });
        let connect = params.time("connectiontimeout").unwrap_or_else(|| read.clone());
        Timeouts { connect, send: read.clone(), read }
    }
}

const fn module_of(protocol: Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::Http | Protocol::Https => Some("proxy_http_module"),
        Protocol::Fastcgi => Some("proxy_fcgi_module"),
        Protocol::Scgi => Some("proxy_scgi_module"),
        Protocol::Uwsgi => Some("proxy_uwsgi_module"),
        Protocol::Ajp => Some("proxy_ajp_module"),
        _ => None,
    }
}

fn is_on(word: &str) -> bool {
    word.eq_ignore_ascii_case("on")
}

/// A status of 500 to 599.
fn status_of(word: &str) -> Option<u16> {
    word.parse().ok().filter(|status| (500..=599).contains(status))
}

/// What stands inside something else.
fn beside(location: &str, inner: &str) -> String {
    if location.is_empty() { inner.to_owned() } else { format!("{location} {inner}") }
}
