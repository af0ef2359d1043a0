//! What a gateway says of its own state over its control socket or admin port.

use serde::{Deserialize, Serialize};

use super::{Address, GatewayId, Text};

/// How a gateway regards one of its servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerStatus {
    /// In service.
    Up,
    /// In service without any check.
    Unchecked,
    /// Taken out by a health check.
    Down,
    /// Taken out by a person or by the configuration.
    Maintenance,
    /// Gets no new clients, by a person's wish.
    Draining,
    /// Asked by the server itself for no new clients.
    Stopping,
    /// Out of service because its name does not resolve.
    Unresolved,
}

impl ServerStatus {
    /// Whether new requests may go there.
    pub const fn serves(self) -> bool {
        matches!(self, Self::Up | Self::Unchecked)
    }
}

/// One server as its gateway regards it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerState {
    /// The group (backend, cluster, service) that it belongs to.
    pub group: Text,
    /// Its name in that group; empty where servers have none.
    pub name: Text,
    /// Its address, when the gateway tells it.
    pub address: Option<Address>,
    /// How it is regarded.
    pub status: ServerStatus,
    /// The same in the gateway's own words, as in `MAINT (via a/b)`.
    pub words: Text,
    /// Result of the last health check in the gateway's short form, as in `L7STS/404`.
    pub check: Option<Text>,
    /// What the last check said.
    pub check_words: Option<Text>,
    /// Seconds since its status changed.
    pub since_secs: Option<u64>,
    /// Requests that wait for it.
    pub queued: Option<u32>,
    /// Sessions now.
    pub sessions: Option<u32>,
    /// Most sessions at a time, when there is a limit.
    pub limit: Option<u32>,
    /// Failed connects since the gateway started.
    pub connect_errors: Option<u64>,
    /// Failed answers since the gateway started.
    pub response_errors: Option<u64>,
}

/// What a gateway did not like about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Its headers did not end within the gateway's buffer.
    TooLong,
    /// It did not begin like HTTP.
    NotHttp,
    /// A character that may not stand there.
    Malformed,
}

/// The last answer of a group's servers that its gateway refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedAnswer {
    /// The group.
    pub group: Text,
    /// The server that sent it; empty where that is not told.
    pub server: Text,
    /// Address and port of the client that had asked, as in `10.0.0.9:50908`; empty where they are
    /// not told.
    pub client: Text,
    /// What was wrong with it.
    pub why: Refusal,
    /// The gateway's own words.
    pub words: Text,
}

/// Everything that one gateway says of itself at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayRuntime {
    /// Which gateway.
    pub gateway: GatewayId,
    /// Where it was asked.
    pub control: Address,
    /// Its servers.
    pub servers: Vec<ServerState>,
    /// Requests that wait in a group for any server, by group, where some do.
    pub waiting: Vec<(Text, u32)>,
    /// The last answer of each group that the gateway refused.
    pub refused: Vec<RefusedAnswer>,
    /// Connections now and the most that are allowed, when it tells.
    pub connections: Option<(u32, u32)>,
    /// Whether the answer was cut or had more servers than are kept.
    pub cut: bool,
}
