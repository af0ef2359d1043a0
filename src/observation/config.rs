//! What a gateway's configuration says, reduced to what an incident needs. Every value knows
//! its file and line.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    Address, ContainerId, GatewayId, LabelProvider, Protocol, Text, UpstreamId, UpstreamTls, Wall,
};

/// A line of a configuration file (lines count from 1).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// File, as the gateway sees the path.
    pub file: Text,
    /// Line, from 1; 0 for the file as a whole.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}", self.file)
        } else {
            write!(f, "{}:{}", self.file, self.line)
        }
    }
}

/// A value with the line that set it; no line when it is the program's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Where it was set, `None` for the default.
    pub place: Option<Place>,
}

/// A whole configuration, as parsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayConfig {
    /// Whose.
    pub gateway: GatewayId,
    /// Every distinct address that something is passed to.
    pub upstreams: Vec<ConfiguredUpstream>,
    /// Virtual hosts.
    pub sites: Vec<Site>,
    /// Logs that it writes.
    pub logs: Vec<LogTarget>,
    /// Places that answer with an error of their own, without asking any upstream.
    #[serde(default)]
    pub answers: Vec<OwnAnswer>,
    /// Where it tells its own state.
    #[serde(default)]
    pub controls: Vec<ControlPoint>,
    /// What it makes of the labels of containers, where it reads them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Box<LabelProvider>>,
    /// How what the gateway works with compares to its files, where it tells that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<Loaded>,
    /// What could not be read or understood.
    pub problems: Vec<ConfigProblem>,
    /// Files read.
    pub files: Vec<Text>,
    /// Newest modification time among the files.
    pub modified: Option<Wall>,
    /// Whether some requests are written to no access log (`access_log off`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlogged: bool,
}

/// What a gateway said that it works with, beside what its files say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loaded {
    /// The same addresses.
    AsWritten,
    /// The files were changed since and are not loaded; these addresses it alone names.
    Otherwise(Vec<Address>),
}

/// Parameters of a `server` line in an `upstream` block
/// (<https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the configuration of its own")]
pub struct ServerParams {
    /// Weight, default 1.
    pub weight: u32,
    /// Failures within `fail_timeout` before the peer is set aside; 0 disables. Default 1.
    pub max_fails: u32,
    /// Window and pause in seconds, default 10.
    pub fail_timeout_secs: u64,
    /// Connection limit, 0 for none.
    pub max_conns: u32,
    /// Used only when the others are down.
    pub backup: bool,
    /// Marked as permanently down.
    pub down: bool,
    /// Follows name changes at run time.
    pub resolve: bool,
    /// Its name within the group, where the gateway's log and state call it by a name.
    #[serde(default)]
    pub name: Text,
    /// Connections to it begin with the PROXY protocol (`send-proxy`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sends_proxy: bool,
    /// How the gateway checks its health by itself, if it does.
    #[serde(default)]
    pub check: Option<Box<HealthCheck>>,
}

impl ServerParams {
    /// Whether a server's name is meant: its own, or one that a template makes (`web*` of `web3`).
    pub fn is_called(&self, name: &str) -> bool {
        let own = self.name.raw();
        own == name
            || own
                .strip_suffix('*')
                .and_then(|stem| name.strip_prefix(stem))
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    }
}

/// How a gateway checks a server by itself, and takes it out of service when that fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// The line that says so.
    pub place: Place,
    /// Method and path that are asked for; empty when a connect is enough.
    pub request: Text,
    /// Answer that is expected, as written; empty for the default (2xx and 3xx).
    pub expect: Text,
    /// Where it is sent, when that is not the server's own address.
    pub address: Option<Address>,
}

/// Where a gateway tells its own state: a control socket or an admin port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ControlPoint {
    /// The address.
    pub address: Address,
    /// Where it is configured; line 0 for the program's default.
    pub place: Place,
}

impl Default for ServerParams {
    fn default() -> Self {
        Self {
            weight: 1,
            max_fails: 1,
            fail_timeout_secs: 10,
            max_conns: 0,
            backup: false,
            down: false,
            resolve: false,
            name: Text::default(),
            sends_proxy: false,
            check: None,
        }
    }
}

/// Timeouts towards the upstream, milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    /// Until connected.
    pub connect: Setting<u64>,
    /// Between two writes.
    pub send: Setting<u64>,
    /// Between two reads.
    pub read: Setting<u64>,
}

impl Timeouts {
    /// What they are, wherever that is set.
    pub const fn values(&self) -> [u64; 3] {
        [self.connect.value, self.send.value, self.read.value]
    }
}

/// A `resolver` in force.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Resolver {
    /// Servers as written, port 53 unless said.
    pub servers: Vec<Address>,
    /// Limit of one lookup in milliseconds, default 30 s.
    pub timeout_ms: u64,
    /// Where it is set.
    pub place: Place,
}

/// A place that sends requests to an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The pass directive.
    pub place: Place,
    /// `server_name`s of the enclosing server.
    pub server_names: Vec<Text>,
    /// The location as written, e.g. `~ \.php$`; empty outside a location.
    pub location: Text,
    /// `listen` values of the enclosing server: all arguments, as in `443 ssl`.
    pub listens: Vec<Text>,
}

/// A place that answers with a server error itself, as `return 503` does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAnswer {
    /// The directive.
    pub place: Place,
    /// The status, 500 to 599.
    pub status: u16,
    /// `server_name`s of the enclosing server.
    pub server_names: Vec<Text>,
    /// The location as written; empty outside a location.
    pub location: Text,
}

/// One distinct address that a gateway passes requests to. 200 lines that name the same socket
/// are one of these with 200 routes.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the configuration of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredUpstream {
    /// Identity.
    pub id: UpstreamId,
    /// The line that names the address (a `server` line or the pass directive).
    pub place: Place,
    /// The address as configured; `None` when a variable decides it at run time.
    pub address: Option<Address>,
    /// The address text as written.
    pub written: Text,
    /// Name of the `upstream` block, if it stands in one.
    pub group: Option<Text>,
    /// Peers in the same group, itself included. A single peer is never set aside by nginx.
    pub group_size: u32,
    /// What is spoken to it.
    pub protocol: Protocol,
    /// Whether the address is looked up per request (variable in the pass directive).
    pub per_request: bool,
    /// Server parameters.
    pub params: ServerParams,
    /// Timeouts of the first route that uses it.
    pub timeouts: Timeouts,
    /// Bytes that one response header may take (`*_buffer_size`).
    pub header_buffer: Setting<u64>,
    /// Resolver in force where it is used.
    pub resolver: Option<Resolver>,
    /// Whether TLS certificates are verified.
    pub tls_verify: bool,
    /// How TLS is spoken to it.
    #[serde(default)]
    pub tls: UpstreamTls,
    /// Where its host is also named without a variable: nginx then makes a group of it that keeps
    /// the address found at the start, for every place that names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_by: Option<Place>,
    /// The container whose labels make this upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerId>,
    /// Whether a variable chooses it among others: whether any request goes there, only requests
    /// show.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chosen: bool,
    /// Whether places that use it wait for different times.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timeouts_differ: bool,
    /// Idle connections kept to the group (`keepalive`), 0 for none.
    pub keepalive: u32,
    /// Every place that uses it.
    pub routes: Vec<Route>,
}

impl ConfiguredUpstream {
    /// Whether the gateway waits longer for its name than this program does, so that our own
    /// waiting in vain proves nothing. Names without a resolver are looked up at the start only.
    pub fn outwaits_us(&self) -> bool {
        let own = self.resolver.as_ref().filter(|_| self.per_request);
        own.is_none_or(|resolver| resolver.timeout_ms > super::LOOKUP_MS)
    }
}

/// A virtual host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The `server` block.
    pub place: Place,
    /// `listen` values as written with all their arguments, as in `443 ssl`; `80` when none is.
    pub listens: Vec<Text>,
    /// Names.
    pub names: Vec<Text>,
}

/// In which language an access log's format is written down.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum AccessSyntax {
    /// nginx's `log_format`, without `escape=`; the pattern is never empty.
    #[default]
    Nginx,
    /// Apache's `LogFormat`, with or without the backslashes before its quotes. Without a pattern
    /// the name decides: `common`, `combined`, `vhost_common`, `vhost_combined`; else `common`.
    Apache,
    /// HAProxy's `log-format`. Without a pattern the name decides: `httplog`, `httpslog`, `clf`,
    /// `tcplog`; else `httplog`. A head that syslog puts before the line is stepped over.
    Haproxy,
    /// Caddy's access log: JSON, or its console encoding. The pattern is not looked at.
    Caddy,
    /// Traefik's access log. The pattern is `json` or empty (its common format).
    Traefik,
    /// Envoy's `text_format`; empty for its default. Lines that are JSON are read as such.
    Envoy,
    /// One JSON object a line whose keys are guessed. The pattern is not looked at.
    Json,
}

/// How an access log line is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessFormat {
    /// Name of the format, as the gateway's configuration has it.
    pub name: Text,
    /// The format string with its variables, as the gateway would use it; see [`AccessSyntax`]
    /// for when it may be empty.
    pub pattern: Text,
    /// The language of the pattern.
    #[serde(default)]
    pub syntax: AccessSyntax,
}

/// Which kind of log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    /// An error log.
    Error,
    /// An access log with its format.
    Access(AccessFormat),
    /// A log of an application or a manager (php-fpm's own, for example).
    Application(super::Program),
}

/// A log file to follow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogTarget {
    /// Gateway that writes it.
    pub gateway: Option<GatewayId>,
    /// Path, as the writer sees it.
    pub path: Text,
    /// Prefix under which that path is seen from here: empty, or `/proc/PID/root`.
    pub root: Text,
    /// Kind.
    pub kind: LogKind,
    /// Where it is configured.
    pub place: Place,
}

/// Kinds of configuration trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The gateway itself would refuse this.
    Syntax,
    /// A file cannot be read.
    Unreadable,
    /// A file does not exist.
    Missing,
    /// Includes form a loop.
    IncludeLoop,
    /// A bound of this program was reached.
    TooMuch,
    /// Not a regular file.
    NotAFile,
    /// Understood by the gateway, not by this program.
    Unknown,
}

/// One thing in the configuration that could not be read or understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigProblem {
    /// Kind.
    pub kind: ProblemKind,
    /// Where.
    pub place: Place,
    /// What, as a lowercase fragment.
    pub what: Text,
}
