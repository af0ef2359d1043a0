//! What a gateway is told to make of the labels of containers.

use serde::{Deserialize, Serialize};

use super::{Place, Route, Text, Timeouts, UpstreamTls};

/// Traefik's provider of containers, as its static configuration sets it up
/// (<https://doc.traefik.io/traefik/providers/docker/>), with what of the rest the labels lean on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelProvider {
    /// Where it is switched on.
    pub place: Place,
    /// The engine that it asks, as written; empty for the one of this host.
    pub endpoint: Text,
    /// Whether containers that say nothing are taken.
    pub exposed_by_default: bool,
    /// The network on which containers are reached, where they name none; empty for any.
    pub network: Text,
    /// The rule of routers that have none; a template of Go.
    pub default_rule: Text,
    /// Which containers are taken; empty for all.
    pub constraints: Text,
    /// Whether a published port is preferred to the one inside.
    pub binds_host_port: bool,
    /// Entry points by name, as in `80` and `443 ssl`.
    pub entry_points: Vec<(Text, Text)>,
    /// How servers are spoken to, by name; the one without a name is the default.
    pub transports: Vec<(Text, Transport)>,
    /// Routers of files that lead to services of labels: the service, and the route.
    pub routes: Vec<(Text, Route)>,
}

/// How the servers of a service are spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transport {
    /// Whether certificates are verified.
    pub verify: bool,
    /// How TLS is spoken.
    pub tls: UpstreamTls,
    /// How long is waited.
    pub timeouts: Timeouts,
}
