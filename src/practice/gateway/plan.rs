//! What the gateway does, from its configuration: read by the same reader that the console uses.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    host::files::Root,
    observation::{
        Address, ConfigProblem, ConfiguredUpstream, GatewayConfig, ProblemKind, Protocol,
    },
    practice::net::Peer,
    source::config::{self, Directive, Tree},
};

/// Directives that this gateway has, or that change nothing in what it serves.
const KNOWN: [&str; 76] = [
    "access_log",
    "accept_mutex",
    "charset",
    "chunked_transfer_encoding",
    "client_body_buffer_size",
    "client_body_temp_path",
    "client_body_timeout",
    "client_header_buffer_size",
    "client_header_timeout",
    "client_max_body_size",
    "daemon",
    "default_type",
    "error_log",
    "events",
    "fastcgi_buffer_size",
    "fastcgi_buffers",
    "fastcgi_busy_buffers_size",
    "fastcgi_connect_timeout",
    "fastcgi_index",
    "fastcgi_next_upstream",
    "fastcgi_param",
    "fastcgi_pass",
    "fastcgi_read_timeout",
    "fastcgi_send_timeout",
    "fastcgi_split_path_info",
    "fastcgi_temp_path",
    "gzip",
    "http",
    "include",
    "index",
    "keepalive",
    "keepalive_requests",
    "keepalive_timeout",
    "large_client_header_buffers",
    "listen",
    "location",
    "log_format",
    "log_not_found",
    "master_process",
    "multi_accept",
    "pid",
    "proxy_buffer_size",
    "proxy_buffering",
    "proxy_buffers",
    "proxy_busy_buffers_size",
    "proxy_connect_timeout",
    "proxy_http_version",
    "proxy_intercept_errors",
    "proxy_next_upstream",
    "proxy_next_upstream_timeout",
    "proxy_next_upstream_tries",
    "proxy_pass",
    "proxy_pass_request_headers",
    "proxy_read_timeout",
    "proxy_redirect",
    "proxy_request_buffering",
    "proxy_send_timeout",
    "proxy_set_header",
    "proxy_temp_path",
    "return",
    "root",
    "scgi_temp_path",
    "send_timeout",
    "sendfile",
    "server",
    "server_name",
    "server_tokens",
    "tcp_nodelay",
    "tcp_nopush",
    "try_files",
    "types",
    "upstream",
    "use",
    "user",
    "uwsgi_temp_path",
    "worker_processes",
];
/// Further ones, for the length of a line.
const ALSO: [&str; 7] = [
    "worker_connections",
    "worker_rlimit_nofile",
    "worker_shutdown_timeout",
    "working_directory",
    "least_conn",
    "ip_hash",
    "zone",
];
/// Workers at most.
const WORKERS: u16 = 4;

/// What a gateway does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) workers: u16,
    pub(super) pid: Option<PathBuf>,
    pub(super) error_log: Option<PathBuf>,
    /// Whether what is not an error is logged too.
    pub(super) notices: bool,
    pub(super) access_log: Option<PathBuf>,
    /// Whether workers are another user's than a master of root's.
    pub(super) user: bool,
    pub(super) listens: Vec<SocketAddr>,
    pub(super) servers: Vec<Server>,
}

/// A virtual host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Server {
    pub(super) listens: Vec<SocketAddr>,
    pub(super) names: Vec<String>,
    pub(super) locations: Vec<Location>,
}

/// A place in it, by the beginning of the path, or by the whole of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Location {
    pub(super) path: String,
    pub(super) exact: bool,
    pub(super) does: Does,
}

/// What is done there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Does {
    /// Passed on.
    Pass(Pass),
    /// Answered.
    Return { status: u16, text: String },
    /// Nothing is there.
    Nothing,
}

/// To whom a place passes requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pass {
    pub(super) fastcgi: bool,
    /// As the log calls it when no peer was asked: the group or the address.
    pub(super) name: String,
    /// What stands in the place of the location's path.
    pub(super) uri: Option<String>,
    pub(super) peers: Vec<Backend>,
    pub(super) connect_ms: u64,
    pub(super) send_ms: u64,
    pub(super) read_ms: u64,
    pub(super) header_bytes: usize,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Backend {
    pub(super) peer: Peer,
    pub(super) max_fails: u32,
    pub(super) fail_secs: u64,
    pub(super) backup: bool,
    pub(super) down: bool,
}

/// Why a configuration is refused: the words and the place, as nginx prints them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) String);

/// Reads the configuration at `path`.
pub(super) fn read(path: &Path, prefix: &Path) -> Result<Plan, Refusal> {
    let mut setup = config::Setup::plain(Root::default(), path);
    prefix.clone_into(&mut setup.prefix);
    let root = Root::default();
    if let Err(error) = root.stat(path, true) {
        let why = error.to_string();
        return Err(Refusal(format!("open() \"{}\" failed ({why})", path.display())));
    }
    let parsed = config::parse(&setup);
    let (tree, problems) = config::read_tree(&setup);
    let all: Vec<&ConfigProblem> = problems.iter().chain(&parsed.config.problems).collect();
    if let Some(problem) = all.iter().find(|p| !matches!(p.kind, ProblemKind::Unknown)) {
        return Err(Refusal(format!("{} in {}", problem.what.raw(), problem.place)));
    }
    known(&tree)?;
    Reader { tree: &tree, config: &parsed.config, prefix }.plan()
}

/// Refuses what nginx would not know. What this gateway does not have either is refused too.
fn known(tree: &Tree) -> Result<(), Refusal> {
    let mut at = 0;
    while let Some(directive) = tree.get(at) {
        let name = directive.name();
        let text = String::from_utf8_lossy(&name);
        // What stands inside are no directives.
        at = if text == "types" { directive.end().max(at + 1) } else { at + 1 };
        if !KNOWN.contains(&&*text) && !ALSO.contains(&&*text) {
            return Err(Refusal(format!("unknown directive \"{text}\" in {}", directive.place())));
        }
    }
    Ok(())
}

struct Reader<'t> {
    tree: &'t Tree,
    config: &'t GatewayConfig,
    prefix: &'t Path,
}

/// The blocks around a place, the innermost last.
type Around<'t> = Vec<Directive<'t>>;

impl<'t> Reader<'t> {
    fn plan(&self) -> Result<Plan, Refusal> {
        let top = |name: &str| self.tree.top().find(|d| *d.name() == *name.as_bytes());
        let path = |directive: Option<Directive<'t>>| {
            let text = text(directive?.arg(0)?);
            (text != "off").then(|| self.prefix.join(text))
        };
        let workers = top("worker_processes").and_then(|d| d.arg(0)).map(text);
        let workers = workers.and_then(|n| n.parse().ok()).unwrap_or(1);
        let error_log = top("error_log");
        let level = error_log.and_then(|d| d.arg(1)).map(text).unwrap_or_default();
        let mut plan = Plan {
            workers: workers.clamp(1, WORKERS),
            pid: path(top("pid")),
            error_log: path(error_log),
            notices: matches!(level.as_str(), "notice" | "info" | "debug"),
            user: top("user").is_some(),
            ..Plan::default()
        };
        let Some(http) = top("http") else { return Ok(plan) };
        let access = http.block().find(|d| *d.name() == *b"access_log");
        plan.access_log = path(access);
        for server in http.block().filter(|d| *d.name() == *b"server") {
            let server = self.server(http, server)?;
            for listen in &server.listens {
                if !plan.listens.contains(listen) {
                    plan.listens.push(*listen);
                }
            }
            plan.servers.push(server);
        }
        Ok(plan)
    }

    fn server(&self, http: Directive<'t>, server: Directive<'t>) -> Result<Server, Refusal> {
        let mut read = Server::default();
        for directive in server.block() {
            match &*directive.name() {
                b"listen" => {
                    let written = directive.arg(0).map(text).unwrap_or_default();
                    let listen = listen(&written).ok_or_else(|| {
                        let place = directive.place();
                        Refusal(format!(
                            "host not found in \"{written}\" of the \"listen\" directive in {place}"
                        ))
                    })?;
                    read.listens.push(listen);
                }
                b"server_name" => read.names.extend(directive.args().map(text)),
                b"location" => {
                    let around = vec![http, server, directive];
                    read.locations.push(self.location(directive, &around)?);
                }
                _ => {}
            }
        }
        let own = self.does(server, &vec![http, server])?;
        if own != Does::Nothing {
            read.locations.push(Location { path: String::new(), exact: false, does: own });
        }
        // The longest beginning counts, a whole path before all.
        read.locations.sort_by_key(|l| (!l.exact, std::cmp::Reverse(l.path.len())));
        Ok(read)
    }

    fn location(&self, directive: Directive<'t>, around: &Around<'t>) -> Result<Location, Refusal> {
        let words: Vec<String> = directive.args().map(text).collect();
        let (modifier, path) = match words.as_slice() {
            [path] => ("", path.clone()),
            [modifier, path] => (modifier.as_str(), path.clone()),
            _ => {
                let place = directive.place();
                return Err(Refusal(format!(
                    "invalid number of arguments in \"location\" directive in {place}"
                )));
            }
        };
        // Of patterns only the end of a name is understood, as in `~ \.php$`.
        let path = match modifier {
            "~" | "~*" => path.trim_end_matches('$').replace('\\', ""),
            _ => path,
        };
        Ok(Location { path, exact: modifier == "=", does: self.does(directive, around)? })
    }

    fn does(&self, block: Directive<'t>, around: &Around<'t>) -> Result<Does, Refusal> {
        for directive in block.block() {
            match &*directive.name() {
                b"return" => {
                    let status = directive.arg(0).map(text).and_then(|code| code.parse().ok());
                    let Some(status) = status else {
                        let place = directive.place();
                        return Err(Refusal(format!("invalid return code in {place}")));
                    };
                    let text = directive.arg(1).map(text).unwrap_or_default();
                    return Ok(Does::Return { status, text });
                }
                b"proxy_pass" | b"fastcgi_pass" => {
                    return self.pass(directive, around).map(Does::Pass);
                }
                _ => {}
            }
        }
        Ok(Does::Nothing)
    }

    fn pass(&self, directive: Directive<'t>, around: &Around<'t>) -> Result<Pass, Refusal> {
        let place = directive.place();
        let fastcgi = *directive.name() == *b"fastcgi_pass";
        let written = directive.arg(0).map(text).unwrap_or_default();
        let bare = written.strip_prefix("http://").unwrap_or(&written);
        let (name, uri) = match bare.strip_prefix("unix:") {
            Some(path) => match path.split_once(':') {
                Some((path, uri)) => (format!("unix:{path}"), Some(uri.to_owned())),
                None => (bare.to_owned(), None),
            },
            None => match bare.split_once('/') {
                Some((name, uri)) => (name.to_owned(), Some(format!("/{uri}"))),
                None => (bare.to_owned(), None),
            },
        };
        let own = |up: &&ConfiguredUpstream| up.routes.iter().any(|route| route.place == place);
        let mut peers = Vec::new();
        for upstream in self.config.upstreams.iter().filter(own) {
            if !matches!(upstream.protocol, Protocol::Http | Protocol::Fastcgi) {
                let what = upstream.protocol.as_str();
                return Err(Refusal(format!("{what} is not served in practice, in {place}")));
            }
            peers.extend(backends(upstream)?);
        }
        let family = if fastcgi { "fastcgi" } else { "proxy" };
        let setting = |name: &str| {
            let name = format!("{family}_{name}");
            let inner = around.iter().rev();
            inner
                .filter_map(|block| block.block().find(|d| *d.name() == *name.as_bytes()))
                .find_map(|d| d.arg(0))
                .map(text)
        };
        let limit = |name: &str| setting(name).and_then(|t| millis(&t)).unwrap_or(60_000);
        let first = setting("buffer_size").and_then(|t| bytes(&t)).unwrap_or(4_096);
        Ok(Pass {
            fastcgi,
            name,
            uri: uri.filter(|_| !fastcgi),
            peers,
            connect_ms: limit("connect_timeout"),
            send_ms: limit("send_timeout"),
            read_ms: limit("read_timeout"),
            header_bytes: first.clamp(1_024, 1 << 20),
        })
    }
}

/// The peers that a line names; a host's name is looked up now, as nginx does at its start.
fn backends(upstream: &ConfiguredUpstream) -> Result<Vec<Backend>, Refusal> {
    let params = &upstream.params;
    let of = |peer| Backend {
        peer,
        max_fails: params.max_fails,
        fail_secs: params.fail_timeout_secs,
        backup: params.backup,
        down: params.down,
    };
    match &upstream.address {
        Some(Address::Tcp(address)) => Ok(vec![of(Peer::Tcp(*address))]),
        Some(Address::Unix(path)) => Ok(vec![of(Peer::Unix(PathBuf::from(path.raw())))]),
        Some(Address::Name { host, port }) => {
            let found = (host.raw(), *port).to_socket_addrs();
            let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
            // Practice stays on this host's loopback, whatever is typed.
            let own: Vec<Backend> =
                found.iter().filter(|a| a.ip().is_loopback()).map(|a| of(Peer::Tcp(*a))).collect();
            if own.is_empty() {
                return Err(Refusal(format!(
                    "host not found in upstream \"{host}\" in {}",
                    upstream.place
                )));
            }
            Ok(own)
        }
        None => Err(Refusal(format!(
            "variables in a pass directive are not served in practice, in {}",
            upstream.place
        ))),
    }
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(bytes.as_ref()).into_owned()
}

fn listen(written: &str) -> Option<SocketAddr> {
    let address = match written.parse::<u16>() {
        Ok(port) => SocketAddr::from(([127, 0, 0, 1], port)),
        Err(_) => written.parse().ok()?,
    };
    address.ip().is_loopback().then_some(address)
}

/// `60`, `60s`, `500ms`, `1m`.
fn millis(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let scale = match text.get(digits.len()..)? {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(number.saturating_mul(scale).min(86_400_000))
}

/// `4096`, `8k`, `1m`.
fn bytes(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: usize = digits.parse().ok()?;
    let scale = match text.get(digits.len()..)? {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        _ => return None,
    };
    Some(number.saturating_mul(scale))
}

impl Plan {
    /// The server that is asked: by its listener and name, else the first one of the listener.
    pub(super) fn server(&self, listen: SocketAddr, host: &str) -> Option<&Server> {
        let own = || self.servers.iter().filter(move |server| server.listens.contains(&listen));
        let bare = host.rsplit_once(':').map_or(host, |(name, _)| name);
        own().find(|server| server.names.iter().any(|name| name == bare)).or_else(|| own().next())
    }
}

impl Server {
    /// What is done with a path.
    pub(super) fn location(&self, path: &str) -> Option<&Location> {
        let fits = |location: &&Location| match (location.exact, location.path.as_str()) {
            (true, exact) => path == exact,
            // The end of a name.
            (false, end) if end.starts_with('.') => path.ends_with(end),
            (false, begin) => path.starts_with(begin),
        };
        self.locations.iter().find(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<Plan, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, text).unwrap();
        let place = dir.path().display().to_string();
        read(&file, dir.path()).map_err(|refusal| refusal.0.replace(&place, "/d"))
    }

    #[test]
    fn a_configuration_becomes_servers_places_and_peers() {
        let plan = plan(
            "worker_processes 2;\nerror_log logs/e.log;\nhttp {\n access_log /l/a.log combined;\n\
             proxy_read_timeout 2s;\n upstream pair { server 127.0.0.1:9001 max_fails=3 \
             fail_timeout=4s; server 127.0.0.1:9002 backup; }\n server { listen 127.0.0.1:8080; \
             server_name shop.test;\n location / { proxy_pass http://pair; }\n location /api/ { \
             proxy_read_timeout 500ms; proxy_buffer_size 8k; proxy_pass http://unix:/r/a.sock:/v1/; }\n\
             location ~ \\.php$ { fastcgi_pass unix:/r/p.sock; }\n location = /up { return 200 ok; } } }",
        )
        .unwrap();
        assert_eq!(plan.listens, ["127.0.0.1:8080".parse().unwrap()]);
        let server = plan.server(plan.listens[0], "shop.test:8080").unwrap();
        let pass = |path: &str| match &server.location(path).unwrap().does {
            Does::Pass(pass) => pass.clone(),
            other => panic!("{other:?}"),
        };
        let root = pass("/x");
        assert_eq!((root.peers.len(), root.read_ms, root.name.as_str()), (2, 2_000, "pair"));
        assert_eq!((root.peers[0].max_fails, root.peers[0].fail_secs), (3, 4));
        assert!(root.peers[1].backup);
        let api = pass("/api/x");
        assert_eq!((api.read_ms, api.header_bytes, api.uri.as_deref()), (500, 8_192, Some("/v1/")));
        assert_eq!(api.peers[0].peer, Peer::Unix("/r/a.sock".into()));
        assert!(pass("/index.php").fastcgi);
        assert_eq!(
            server.location("/up").unwrap().does,
            Does::Return { status: 200, text: "ok".into() }
        );
    }

    #[test]
    fn what_nginx_refuses_is_refused_in_its_words() {
        let said = |text: &str| plan(text).unwrap_err();
        assert_eq!(
            said("http {\n proxy_pas x;\n}"),
            "unknown directive \"proxy_pas\" in /d/nginx.conf:2"
        );
        assert!(said("http {\n server {\n").contains("unexpected end of file"));
        let unknown =
            "http { server { location / {\n proxy_pass http://no.such.name.invalid:80; } } }";
        assert!(said(unknown).starts_with("host not found in upstream \"no.such.name.invalid"));
        assert!(said("http { server { listen 0.0.0.0:80; } }").contains("listen"), "loopback only");
    }
}
