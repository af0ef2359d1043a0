//! Addresses as HAProxy writes them
//! (<https://docs.haproxy.org/2.8/configuration.html#11>).

use std::net::SocketAddr;

use crate::observation::{Address, Text};

/// An address behind which a server stands, or at which a frontend listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One that is known.
    At(Address),
    /// A host without a port: the port is the one that the client came to, moved by so much.
    SamePort {
        /// The host as written.
        host: String,
        /// Offset.
        offset: i32,
    },
    /// A name in the kernel's abstract space, a descriptor, a reverse connection: no address.
    Elsewhere,
    /// Not understood.
    Bad,
}

/// Reads the address of a server.
pub(super) fn read(text: &str) -> Place {
    let (family, rest) = match text.split_once('@') {
        Some((family, rest)) if is_family(family) => (family, rest),
        _ => ("", text),
    };
    match family {
        "abns" | "abnsz" | "fd" | "sockpair" | "rhttp" | "udp4" | "udp6" | "udp" => {
            return Place::Elsewhere;
        }
        "unix" | "uxst" => return unix(rest),
        _ if rest.starts_with('/') => return unix(rest),
        _ => {}
    }
    let rest = rest.trim_end_matches('/');
    if let Ok(addr) = rest.parse::<SocketAddr>() {
        return Place::At(Address::Tcp(addr));
    }
    // An address of the sixth version may stand without brackets; its port stands behind the last
    // colon all the same.
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) => (host, port),
        None => (rest, ""),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = if matches!(host, "*" | "") { "0.0.0.0" } else { host };
    if let Ok(port) = port.split('-').next().unwrap_or_default().parse::<u16>()
        && !port_has_sign(rest)
        && port > 0
    {
        return named(host, port);
    }
    match port {
        "" | "0" => Place::SamePort { host: host.to_owned(), offset: 0 },
        port => match port.parse::<i32>() {
            Ok(offset) if port_has_sign(rest) => Place::SamePort { host: host.to_owned(), offset },
            _ => Place::Bad,
        },
    }
}

/// A host with its port, as an address.
pub(in crate::source::config) fn at(host: &str, port: u16) -> Option<Address> {
    match named(host, port) {
        Place::At(address) => Some(address),
        _ => None,
    }
}

/// A host with its port.
pub(super) fn named(host: &str, port: u16) -> Place {
    if let Ok(ip) = host.parse() {
        return Place::At(Address::Tcp(SocketAddr::new(ip, port)));
    }
    match Address::parse(&format!("{host}:{port}"), port) {
        Some(address) => Place::At(address),
        None => Place::Bad,
    }
}

fn port_has_sign(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(_, port)| port.starts_with(['+', '-']))
}

fn is_family(text: &str) -> bool {
    const FAMILIES: [&str; 20] = [
        "ipv4", "ipv6", "unix", "uxst", "uxdg", "abns", "abnsz", "fd", "sockpair", "tcp", "tcp4",
        "tcp6", "mptcp", "mptcp4", "mptcp6", "udp", "udp4", "udp6", "rhttp", "quic4",
    ];
    FAMILIES.contains(&text) || text == "quic6"
}

fn unix(path: &str) -> Place {
    if path.is_empty() { Place::Bad } else { Place::At(Address::unix(Text::new(path))) }
}

/// Where a `bind` line listens, in the words of nginx's `listen`: `80`, `127.0.0.1:80 ssl`.
pub(super) fn listens(line: &[String]) -> Vec<Text> {
    let tls = if line.iter().skip(1).any(|word| word == "ssl") { " ssl" } else { "" };
    let addresses = line.first().map(String::as_str).unwrap_or_default();
    let each = addresses.split(',').filter(|text| !text.is_empty()).map(|text| match read(text) {
        Place::At(Address::Tcp(addr)) if addr.ip().is_unspecified() && addr.is_ipv4() => {
            format!("{}{tls}", addr.port())
        }
        Place::At(address) => format!("{address}{tls}"),
        _ => format!("{text}{tls}"),
    });
    each.map(Text::new).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        match read(text) {
            Place::At(address) => address.to_string(),
            Place::SamePort { host, offset } => format!("{host} port {offset:+}"),
            Place::Elsewhere => "elsewhere".to_owned(),
            Place::Bad => "bad".to_owned(),
        }
    }

    #[test]
    fn every_form_of_an_address_is_read() {
        let table = [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("ipv4@10.0.0.1:80", "10.0.0.1:80"),
            ("ipv6@::1:80", "[::1]:80"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
            ("app.internal:3000", "app.internal:3000"),
            ("unix@/run/app.sock", "unix:/run/app.sock"),
            ("/run/app.sock", "unix:/run/app.sock"),
            ("abns@app", "elsewhere"),
            ("fd@3", "elsewhere"),
            ("10.0.0.1", "10.0.0.1 port +0"),
            ("10.0.0.1:+1000", "10.0.0.1 port +1000"),
            ("app:", "app port +0"),
            ("*:80", "0.0.0.0:80"),
            (":80", "0.0.0.0:80"),
            ("tcp4@127.0.0.1:9", "127.0.0.1:9"),
            ("a b:80", "bad"),
            ("10.0.0.1:http", "bad"),
            ("unix@", "bad"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn where_a_frontend_listens_is_told_in_the_words_of_the_others() {
        let of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            listens(&words).iter().map(Text::raw).collect::<Vec<_>>().join(",")
        };
        assert_eq!(of("*:80"), "80");
        assert_eq!(of(":443 ssl crt /etc/x.pem"), "443 ssl");
        assert_eq!(of("127.0.0.1:80,[::1]:80"), "127.0.0.1:80,[::1]:80");
        assert_eq!(of("/run/h.sock mode 660"), "unix:/run/h.sock");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}", form in "[a-f0-9.:@/*\\[\\]+-]{0,40}") {
            let _ = (read(&text), read(&form), listens(&[text, form]));
        }
    }
}
