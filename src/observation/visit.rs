//! What one GET gave, asked because a person named its URL.

use std::net::SocketAddr;

use super::{GatewayId, Text, Wall};

/// An answer, with bounds on everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers in their order, names in small letters.
    pub headers: Vec<(String, Text)>,
    /// The beginning of the body, invalid UTF-8 replaced. Not for showing as it is.
    pub body: String,
    /// Why the body is not whole, empty when it is.
    pub cut: Text,
}

impl Reply {
    /// The first value of a header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&Text> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VisitFailure {
    /// The name does not resolve.
    #[error("the name does not resolve: {0}")]
    Name(Text),
    /// No connection.
    #[error("no connection: {0}")]
    Connect(Text),
    /// No TLS.
    #[error("TLS failed: {0}")]
    Tls(Text),
    /// What came is no HTTP, or broke off before the headers were whole.
    #[error("no valid answer: {0}")]
    Broken(Text),
    /// No headers in time, milliseconds.
    #[error("no answer within {0} ms")]
    Late(u64),
}

/// One GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// When it was sent.
    pub at: Wall,
    /// Until the answer was read, milliseconds.
    pub millis: u64,
    /// Addresses that it was tried at.
    pub to: Vec<SocketAddr>,
    /// What came of it.
    pub outcome: Result<Reply, VisitFailure>,
    /// Why a visitor's program would not trust the certificate, where it was asked all the same;
    /// empty when the certificate is good or nobody asked.
    pub untrusted: Text,
}

impl Visit {
    /// The status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.outcome.as_ref().ok().map(|reply| reply.status)
    }

    /// Whether it was answered without a server error.
    pub fn is_good(&self) -> bool {
        self.status().is_some_and(|status| status < 500)
    }
}

/// The same request to a gateway of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalVisit {
    /// Which gateway.
    pub gateway: GatewayId,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it speaks TLS there.
    pub tls: bool,
    /// Whether its configuration names the host of the URL there.
    pub named: bool,
    /// What came of it.
    pub visit: Visit,
}

/// Whether the public request came to this host, by the access logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A log has its line.
    Came(Text),
    /// The logs that took down the local request have no line of the public one.
    Never,
    /// It cannot be told, with the reason.
    Unknown(Text),
}
