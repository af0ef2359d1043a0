//! A gateway: the program that answers 502.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ContainerId, NetNs, Program, Text, UnitName};

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayKind {
    /// nginx and its forks that keep its configuration language.
    Nginx,
    /// Apache httpd with `mod_proxy`.
    Apache,
    /// `HAProxy`.
    Haproxy,
    /// Caddy 2.
    Caddy,
    /// Traefik 2 and 3.
    Traefik,
    /// Envoy.
    Envoy,
}

impl GatewayKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Nginx, Self::Apache, Self::Haproxy, Self::Caddy, Self::Traefik, Self::Envoy];

    /// Its name in ids, JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Apache => "apache",
            Self::Haproxy => "haproxy",
            Self::Caddy => "caddy",
            Self::Traefik => "traefik",
            Self::Envoy => "envoy",
        }
    }

    /// Whether one attempt goes through all addresses of a name until one takes the connection, so
    /// that a dead one beside a living one costs no request: Go's dialer (Caddy, Traefik) and
    /// `ap_proxy_connect_backend` do. nginx makes a peer of each, HAProxy and Envoy choose.
    pub const fn dials_every_address(self) -> bool {
        matches!(self, Self::Apache | Self::Caddy | Self::Traefik)
    }

    /// Units under which packages start it.
    pub const fn units(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx.service", "openresty.service", "angie.service"],
            Self::Apache => &["apache2.service", "httpd.service"],
            Self::Haproxy => &["haproxy.service"],
            Self::Caddy => &["caddy.service"],
            Self::Traefik => &["traefik.service"],
            Self::Envoy => &["envoy.service"],
        }
    }

    /// The program whose signatures its own log lines are matched against.
    pub const fn program(self) -> Program {
        match self {
            Self::Nginx => Program::Nginx,
            Self::Apache => Program::Apache,
            Self::Haproxy => Program::Haproxy,
            Self::Caddy => Program::Caddy,
            Self::Traefik => Program::Traefik,
            Self::Envoy => Program::Envoy,
        }
    }
}

/// Identity of a gateway: kind and configuration file, with the container when there is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GatewayId(pub Text);

impl GatewayId {
    /// The kind that it names: what stands before the first `:` or `@`.
    pub fn kind(&self) -> Option<GatewayKind> {
        let name = self.0.raw().split([':', '@']).next()?;
        GatewayKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for GatewayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identity of an upstream row: `kind:file:line` of the first line that names the address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UpstreamId(pub Text);

impl fmt::Display for UpstreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A gateway as found on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    /// Identity.
    pub id: GatewayId,
    /// Which program.
    pub kind: GatewayKind,
    /// Version string such as `1.22.1`, when it could be told without running anything twice.
    pub version: Option<Text>,
    /// Configuration file, as the gateway itself sees the path.
    pub config: Text,
    /// Whether a master process runs.
    pub running: bool,
    /// The master's pid in our pid namespace.
    pub master: Option<u32>,
    /// Worker pids, in our pid namespace; those that are shutting down are not among them.
    pub workers: Vec<u32>,
    /// Uid that the workers run as.
    pub worker_uid: Option<u32>,
    /// Gid and supplementary groups of the workers.
    pub worker_gids: Vec<u32>,
    /// Network namespace of the workers.
    pub netns: Option<NetNs>,
    /// Path prefix under which its files are seen from here: empty, or `/proc/PID/root`.
    pub root: Text,
    /// systemd unit that it belongs to.
    pub unit: Option<UnitName>,
    /// Container that it runs in.
    pub container: Option<ContainerId>,
    /// When the master started.
    pub started: Option<super::Wall>,
    /// When the oldest worker started, in steps of a clock tick and never late: see
    /// [`Gateway::missed`].
    pub loaded: Option<super::Wall>,
}

impl Gateway {
    /// Whether a file that changed at `at` is newer than what the workers loaded. A start is known
    /// to a tick of the kernel (a hundredth of a second, cut off) and by another clock than a
    /// change: what lies closer together than that was loaded.
    pub fn missed(&self, at: super::Wall) -> bool {
        self.loaded.is_some_and(|loaded| at.since(loaded).as_millis() > 20)
    }
}
