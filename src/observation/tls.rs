//! TLS between a gateway and what stands behind it.

use serde::{Deserialize, Serialize};

use super::{Text, Wall};

/// What came back to a TLS greeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsAnswer {
    /// A TLS handshake record: it speaks TLS.
    Tls,
    /// A TLS alert with its code.
    Alert(u8),
    /// A plain HTTP answer.
    PlainHttp,
    /// Closed without a byte.
    Closed,
    /// Silence until the limit.
    Silent,
    /// Something else; its first bytes as hex.
    Other(Text),
}

/// How a gateway speaks TLS to an upstream, as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamTls {
    /// Whether it says the name of the server in its greeting (SNI).
    #[serde(default)]
    pub sends_name: bool,
    /// The name that it says and checks, where that is not the host of the address.
    #[serde(default)]
    pub name: Option<Text>,
    /// File of the authorities that it trusts.
    #[serde(default)]
    pub trusted: Option<Text>,
    /// Its own certificate, for servers that ask for one.
    #[serde(default)]
    pub certificate: Option<Text>,
    /// The versions that it may speak, as written.
    #[serde(default)]
    pub protocols: Option<Text>,
}

/// A certificate, as far as it decides whether a handshake succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// Subject, in the order of the certificate: `CN=web1`.
    pub subject: Text,
    /// Issuer.
    pub issuer: Text,
    /// DNS names and IP addresses that it is for; the common name where it has none of them.
    pub names: Vec<Text>,
    /// Start of its validity.
    pub not_before: Wall,
    /// End of its validity.
    pub not_after: Wall,
}

impl CertificateFacts {
    /// Whether it is its own issuer, by name.
    pub fn self_signed(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it is for this host; a wildcard stands for one label (RFC 6125, section 6.4).
    pub fn covers(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.names.iter().any(|name| {
            let name = name.raw().to_ascii_lowercase();
            name == host
                || name.strip_prefix("*.").is_some_and(|rest| {
                    host.split_once('.')
                        .is_some_and(|(label, tail)| !label.is_empty() && tail == rest)
                })
        })
    }
}

/// What a handshake told. It is broken off before a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFacts {
    /// The name that the greeting said.
    #[serde(default)]
    pub said: Option<Text>,
    /// The version agreed on, as `TLSv1.3`.
    #[serde(default)]
    pub version: Option<Text>,
    /// The alert that ended it (RFC 8446, section 6).
    #[serde(default)]
    pub alert: Option<u8>,
    /// Whether the server asked for a certificate.
    #[serde(default)]
    pub asks_certificate: bool,
    /// The server's own certificate.
    #[serde(default)]
    pub certificate: Option<CertificateFacts>,
    /// The same with the name in the greeting, where it was left out as the gateway does it and
    /// something was amiss.
    #[serde(default)]
    pub with_name: Option<Box<TlsFacts>>,
}

impl TlsFacts {
    /// Whether the handshake came to its end.
    pub const fn complete(&self) -> bool {
        self.version.is_some() && self.alert.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let names = ["*.shop.lan", "api.example.org", "10.0.0.5"].map(Text::new).to_vec();
        let certificate = CertificateFacts {
            subject: "CN=a".into(),
            issuer: "CN=b".into(),
            names,
            not_before: Wall(0),
            not_after: Wall(1),
        };
        for host in ["www.shop.lan", "WWW.Shop.lan.", "api.example.org", "10.0.0.5"] {
            assert!(certificate.covers(host), "{host}");
        }
        for host in ["shop.lan", "a.b.shop.lan", "example.org", ".shop.lan", ""] {
            assert!(!certificate.covers(host), "{host}");
        }
    }
}
