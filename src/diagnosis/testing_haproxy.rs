//! A host with HAProxy in front, made up for a test.

use crate::observation::{
    Address, GatewayId, GatewayKind, GatewayRuntime, LogLine, Origin, Program, RefusedAnswer, Seen,
    ServerState, ServerStatus, SourceId, Text,
};

use super::testing::{Host, ago};

const LOG: &str = "/var/log/haproxy.log";

fn id() -> GatewayId {
    GatewayId("haproxy:/etc/haproxy/haproxy.cfg".into())
}

/// HAProxy with one backend, whose servers are called `s1`, `s2` and so on.
pub(crate) fn balancer(group: &str, members: &[&str]) -> Host {
    let mut host = Host::new().group(group, members);
    host.gateway.kind = GatewayKind::Haproxy;
    host.gateway.id = id();
    host.config.gateway = id();
    for log in &mut host.config.logs {
        log.gateway = Some(id());
        log.path = LOG.into();
    }
    for (at, upstream) in host.config.upstreams.iter_mut().enumerate() {
        upstream.params.name = Text::new(format!("s{}", at + 1));
        upstream.params.max_fails = 0;
    }
    host
}

/// A server as HAProxy regards it.
pub(crate) fn server(group: &str, name: &str, status: ServerStatus) -> ServerState {
    let words = match status {
        ServerStatus::Up => "UP",
        ServerStatus::Down => "DOWN",
        ServerStatus::Maintenance => "MAINT",
        ServerStatus::Draining => "DRAIN",
        ServerStatus::Stopping => "NOLB",
        ServerStatus::Unresolved => "MAINT (resolution)",
        ServerStatus::Unchecked => "no check",
    };
    ServerState {
        group: group.into(),
        name: name.into(),
        address: None,
        status,
        words: words.into(),
        check: None,
        check_words: None,
        since_secs: Some(30),
        queued: Some(0),
        sessions: Some(0),
        limit: None,
        connect_errors: Some(0),
        response_errors: Some(0),
    }
}

impl ServerState {
    /// The same, changed.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Host {
    /// What `show stat` says.
    pub(crate) fn haproxy_state(self, servers: Vec<ServerState>) -> Self {
        self.haproxy_tells(servers, Vec::new())
    }

    /// What `show errors` says.
    pub(crate) fn haproxy_refused(self, refused: Vec<RefusedAnswer>) -> Self {
        self.haproxy_tells(Vec::new(), refused)
    }

    fn haproxy_tells(self, servers: Vec<ServerState>, refused: Vec<RefusedAnswer>) -> Self {
        let state = GatewayRuntime {
            gateway: id(),
            control: Address::Unix("/run/haproxy/admin.sock".into()),
            servers,
            waiting: Vec::new(),
            refused,
            connections: None,
            cut: false,
        };
        self.sees(SourceId::Runtime, Seen::Runtime(Box::new(state)))
    }

    /// A line of HAProxy's log.
    pub(crate) fn haproxy(self, secs: i64, text: &str) -> Self {
        let line = LogLine {
            program: Program::Haproxy,
            origin: Origin::File(LOG.into()),
            gateway: Some(id()),
            at: Some(ago(secs)),
            text: Text::new(format!("Nov 20 13:59:00 lb haproxy[10]: {text}")),
        };
        self.sees(SourceId::Logs, Seen::Log(line))
    }

    /// A request that failed, for a server such as `app/s1` or `app/<NOSRV>`.
    pub(crate) fn haproxy_request(self, secs: i64, server: &str, status: u16, flags: &str) -> Self {
        self.haproxy(secs, &format!(
            r#"10.0.0.9:50908 [20/Nov/2026:13:58:37.218] web {server} 0/0/-1/-1/3 {status} 217 - - {flags} 1/1/0/0/3 0/0 "GET /cart HTTP/1.1""#
        ))
    }
}
