//! Addresses as programs write the place where they listen.

use std::net::{Ipv4Addr, SocketAddr};

use crate::observation::{Address, Text};

/// `0.0.0.0:port`, the form of a bare port.
pub(super) const fn any(port: u16) -> Address {
    Address::Tcp(SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))
}

/// A port number other than 0.
pub(super) fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    (digits && text.len() <= 5).then(|| text.parse().ok()).flatten().filter(|port| *port != 0)
}

/// Reads `127.0.0.1:80`, `[::]:80`, `:80`, `*:80`, `80`, `localhost:80`, `/path`, `unix:/path`,
/// `unix:///path` and any of them behind a scheme (`tcp://`, `http://`) or before a query.
pub(super) fn listen(text: &str) -> Option<Address> {
    let text = text.trim().trim_matches(['"', '\'', ',', ';']);
    let unix = ["unix:", "unix+http:", "http+unix:", "uds:", "file:"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .map(|path| path.strip_prefix("//").unwrap_or(path));
    let path = unix.or_else(|| text.starts_with('/').then_some(text));
    if let Some(path) = path {
        let path = path.split(['?', ',']).next().unwrap_or(path);
        let path = path.strip_suffix(":").unwrap_or(path);
        let absolute = path.starts_with('/') && path.len() > 1 && !path.ends_with('/');
        return (absolute && !path.contains(char::is_whitespace))
            .then(|| Address::unix(Text::new(path)));
    }
    let rest = match text.split_once("://") {
        Some((scheme, rest)) => {
            let known = ["tcp", "http", "https", "tcp4", "tcp6", "ssl", "ws", "fcgi", "h2c"];
            known.contains(&scheme).then_some(rest)?
        }
        None => text,
    };
    let rest = rest.split(['/', '?', ',']).next()?;
    if let Some(port) = port(rest) {
        return Some(any(port));
    }
    let (host, number) = rest.rsplit_once(':')?;
    let port = port(number)?;
    match host {
        "" | "*" | "+" => Some(any(port)),
        "localhost" => Some(Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))),
        _ => Address::parse(&format!("{host}:{port}"), port).filter(|address| {
            // A word before the colon is a host only when it looks like one; `app:80` may be
            // anything, and nobody listens on a name without a dot.
            matches!(address, Address::Tcp(_)) || host.contains('.')
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_a_listen_address_is_read() {
        let table = [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("[::]:80", "[::]:80"),
            (":8000", "0.0.0.0:8000"),
            ("*:8000", "0.0.0.0:8000"),
            ("3000", "0.0.0.0:3000"),
            ("localhost:3000", "127.0.0.1:3000"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:///run/a.sock?mode=0666", "unix:/run/a.sock"),
            ("/run/a.sock", "unix:/run/a.sock"),
            ("tcp://0.0.0.0:9292?x=1", "0.0.0.0:9292"),
            ("http://127.0.0.1:5000/", "127.0.0.1:5000"),
            ("'10.0.0.1:1'", "10.0.0.1:1"),
        ];
        for (text, expected) in table {
            assert_eq!(listen(text).map(|a| a.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "0", ":0", "65536", "app:app", "postgres://127.0.0.1:5432", "/", "a b"] {
            assert_eq!(listen(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,60}") {
            let _ = listen(&text);
        }
    }
}
