//! Where an upstream lives, as a gateway writes it.

use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Serialize};

use super::Text;

/// An upstream address: a socket address, a unix socket path, or a name still to be resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Address {
    /// An IPv4 or IPv6 address with its port.
    Tcp(SocketAddr),
    /// A unix stream socket, path as the gateway sees it.
    Unix(Text),
    /// A host name with its port.
    Name {
        /// Host name as written.
        host: Text,
        /// TCP port.
        port: u16,
    },
}

impl Address {
    /// Parses what stands after `server` or the scheme of a pass directive: `unix:/path`,
    /// `1.2.3.4:80`, `[::1]:80`, `name:80`, `name` (with the default port). A `unix:` path ends
    /// at the colon that nginx puts before the URI (`unix:/run/x.sock:/uri`).
    pub fn parse(text: &str, default_port: u16) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.split(':').next().unwrap_or(path);
            return (!path.is_empty()).then(|| Self::unix(Text::new(path)));
        }
        if let Ok(addr) = text.parse::<SocketAddr>() {
            return Some(Self::Tcp(addr));
        }
        if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            let ip = inner.parse().ok()?;
            return Some(Self::Tcp(SocketAddr::new(ip, default_port)));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (text, default_port),
        };
        if let Ok(ip) = host.parse() {
            return Some(Self::Tcp(SocketAddr::new(ip, port)));
        }
        let valid = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        (!host.is_empty() && host.bytes().all(valid))
            .then(|| Self::Name { host: Text::new(host), port })
    }

    /// A unix socket by its path. What the kernel takes for one path is one address: `//` and
    /// `/./` say nothing (`unix:///run/x.sock`, as many write it).
    pub fn unix(path: Text) -> Self {
        let raw = path.raw();
        if !raw.starts_with('/') || !(raw.contains("//") || raw.contains("/./")) {
            return Self::Unix(path);
        }
        let mut plain = String::with_capacity(raw.len());
        for part in raw.split('/').filter(|part| !part.is_empty() && *part != ".") {
            plain.push('/');
            plain.push_str(part);
        }
        Self::Unix(if plain.is_empty() { path } else { Text::new(plain) })
    }

    /// The TCP port, if there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(addr) => Some(addr.port()),
            Self::Name { port, .. } => Some(*port),
            Self::Unix(_) => None,
        }
    }

    /// The socket path, if it is a unix socket.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Unix(path) => Some(path.raw()),
            _ => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "{addr}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// What the gateway speaks to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.x in clear.
    Http,
    /// HTTP over TLS.
    Https,
    /// `FastCGI`.
    Fastcgi,
    /// uwsgi.
    Uwsgi,
    /// SCGI.
    Scgi,
    /// AJP 1.3, which Apache speaks to Tomcat.
    Ajp,
    /// gRPC in clear.
    Grpc,
    /// gRPC over TLS.
    Grpcs,
    /// A plain stream.
    Tcp,
    /// A stream over TLS.
    Tls,
}

impl Protocol {
    /// Whether the gateway opens TLS to the upstream.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Grpcs | Self::Tls)
    }

    /// Its name in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Fastcgi => "fastcgi",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
            Self::Ajp => "ajp",
            Self::Grpc => "grpc",
            Self::Grpcs => "grpcs",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_nginx_writes_is_read() {
        let shown = |s: &str| Address::parse(s, 80).map(|a| a.to_string());
        assert_eq!(shown("unix:/run/a.sock:/x").as_deref(), Some("unix:/run/a.sock"));
        assert_eq!(shown("unix:///run//x/./a.sock").as_deref(), Some("unix:/run/x/a.sock"));
        assert_eq!(shown("unix:@a//b").as_deref(), Some("unix:@a//b"));
        assert_eq!(shown("127.0.0.1:8000").as_deref(), Some("127.0.0.1:8000"));
        assert_eq!(shown("127.0.0.1").as_deref(), Some("127.0.0.1:80"));
        assert_eq!(shown("[::1]:9").as_deref(), Some("[::1]:9"));
        assert_eq!(shown("[::1]").as_deref(), Some("[::1]:80"));
        assert_eq!(shown("app_1.local:3000").as_deref(), Some("app_1.local:3000"));
        assert_eq!(shown("$backend"), None);
        assert_eq!(shown("a:b"), None);
    }
}
