//! Log lines and access records.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{GatewayId, Origin, Text, Wall};

/// Which program wrote a line; it selects the signatures that are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// nginx's error log.
    Nginx,
    /// Apache's error log.
    Apache,
    /// HAProxy's log.
    Haproxy,
    /// Caddy's log.
    Caddy,
    /// Traefik's log.
    Traefik,
    /// Envoy's log.
    Envoy,
    /// php-fpm's own log.
    PhpFpm,
    /// systemd about a unit.
    Systemd,
    /// The kernel.
    Kernel,
    /// Docker's daemon or event stream.
    Docker,
    /// An application whose runtime is not known: every runtime's signatures are tried.
    Application,
}

impl Program {
    /// Whether its lines are a gateway's own word about its requests.
    pub const fn is_gateway(self) -> bool {
        matches!(
            self,
            Self::Nginx | Self::Apache | Self::Haproxy | Self::Caddy | Self::Traefik | Self::Envoy
        )
    }

    /// Its name in assets and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Apache => "apache",
            Self::Haproxy => "haproxy",
            Self::Caddy => "caddy",
            Self::Traefik => "traefik",
            Self::Envoy => "envoy",
            Self::PhpFpm => "php-fpm",
            Self::Systemd => "systemd",
            Self::Kernel => "kernel",
            Self::Docker => "docker",
            Self::Application => "application",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One line of a log, whole, without its newline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Who wrote it.
    pub program: Program,
    /// Where it was read.
    pub origin: Origin,
    /// Gateway, when it is a gateway's own log.
    pub gateway: Option<GatewayId>,
    /// The line's own stamp; `None` when it has none.
    pub at: Option<Wall>,
    /// The line.
    pub text: Text,
}

/// One request that was answered with 499 or 5xx, from an access log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// Which gateway.
    pub gateway: GatewayId,
    /// Which log.
    pub log: Text,
    /// When.
    pub at: Wall,
    /// Status sent to the client.
    pub status: u16,
    /// `$upstream_status` as written (`502, 200`), when the format has it.
    pub upstream_status: Option<Text>,
    /// `$upstream_addr` as written, when the format has it; where a gateway writes its server's
    /// name instead (HAProxy), that name.
    pub upstream_addr: Option<Text>,
    /// Method and URI without the query.
    pub request: Text,
    /// Virtual host, when the format has it.
    pub host: Option<Text>,
    /// `$request_time` in milliseconds, when the format has it.
    pub request_ms: Option<u64>,
    /// `$upstream_response_time` (the last one) in milliseconds, when the format has it.
    pub upstream_ms: Option<u64>,
    /// What the gateway says of how the request ended: HAProxy's termination state (`SC--`),
    /// Envoy's response flags (`UF,URX`); `None` when the format has none or they say `-`.
    /// HAProxy's `----` is kept: it says that the server sent the status.
    #[serde(default)]
    pub flags: Option<Text>,
    /// The group that the request was for: HAProxy's backend, Envoy's cluster, Traefik's service.
    #[serde(default)]
    pub backend: Option<Text>,
    /// Times that it was tried again, when the format has it.
    #[serde(default)]
    pub retries: Option<u32>,
}

/// Requests of one access log in one second, by status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Which gateway.
    pub gateway: GatewayId,
    /// Which log.
    pub log: Text,
    /// The second.
    pub at: Wall,
    /// Requests by status.
    pub by_status: BTreeMap<u16, u32>,
}
