//! Addresses of upstreams and sites as Caddy writes them.

use crate::{
    observation::{Address, Text},
    source::config::haproxy,
};

/// Where requests go, and what its scheme says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dial {
    /// `None` when a placeholder decides it at run time, or when it is not understood.
    pub(super) address: Option<Address>,
    /// Whether its scheme wants TLS.
    pub(super) tls: bool,
    /// Whether a placeholder decides it.
    pub(super) open: bool,
}

/// Addresses of one argument: a range of ports is several
/// (<https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#upstream-addresses>).
pub(super) fn dials(text: &str, tls: bool) -> Vec<Dial> {
    /// Ports of one range.
    const PORTS: u16 = 1_000;
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let tls = tls || scheme == "https";
    let one = |address| Dial { address, tls, open: false };
    if rest.contains('{') {
        return vec![Dial { address: None, tls, open: true }];
    }
    let network = rest.split_once('/').map(|(network, path)| (network.split('+').next(), path));
    if let Some((Some("unix"), path)) = network {
        return vec![one((!path.is_empty()).then(|| Address::unix(Text::new(path))))];
    }
    let rest = rest.strip_prefix("tcp/").unwrap_or(rest);
    let rest = rest.split('/').next().unwrap_or_default();
    let default = if tls { 443 } else { 80 };
    let Some((host, ports)) = rest.rsplit_once(':').filter(|(host, _)| balanced(host)) else {
        return vec![one(Address::parse(rest, default))];
    };
    let host = if host.is_empty() { "localhost" } else { host };
    if let Some((from, to)) = ports.split_once('-')
        && let (Ok(from), Ok(to)) = (from.parse::<u16>(), to.parse::<u16>())
    {
        let to = to.min(from.saturating_add(PORTS));
        return (from..=to).map(|port| one(at(host, port))).collect();
    }
    vec![one(ports.parse().ok().and_then(|port| at(host, port)))]
}

/// Whether a colon behind this is not one inside of brackets.
fn balanced(host: &str) -> bool {
    host.matches('[').count() == host.matches(']').count()
        && (host.starts_with('[') || !host.contains(':'))
}

fn at(host: &str, port: u16) -> Option<Address> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    haproxy::at(host, port)
}

/// The key of a site: host and where it listens in the words of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    /// The host; empty for any.
    pub(super) host: String,
    /// The path that it is bound to, if it is.
    pub(super) path: String,
    /// `443 ssl`, `80`, `8080`.
    pub(super) listens: Vec<String>,
}

/// Reads the key of a site. A host gets certificates and both ports by itself
/// (<https://caddyserver.com/docs/automatic-https>).
pub(super) fn key(text: &str, plain_port: u16, secure_port: u16, automatic: bool) -> Key {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (site, path) = match rest.split_once('/') {
        Some((site, path)) => (site, format!("/{path}")),
        None => (rest, String::new()),
    };
    let (host, port) = match site.rsplit_once(':') {
        Some((host, port)) if balanced(host) => (host, port.parse::<u16>().ok()),
        _ => (site, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let listens = match (scheme, port) {
        ("http", port) => vec![port.unwrap_or(plain_port).to_string()],
        (_, Some(port)) if port == plain_port => vec![port.to_string()],
        // A port alone has no name to get a certificate for.
        ("", Some(port)) if host.is_empty() || !automatic => vec![port.to_string()],
        (_, Some(port)) => vec![format!("{port} ssl")],
        ("", None) if host.is_empty() => vec![secure_port.to_string()],
        ("", None) if !automatic => vec![plain_port.to_string()],
        ("", None) => vec![format!("{secure_port} ssl"), plain_port.to_string()],
        (_, None) => vec![format!("{secure_port} ssl")],
    };
    Key { host, path, listens }
}

/// A pattern of paths in the words of a location: `/a/*` is a prefix, `/a` exact.
pub(super) fn location(pattern: &str) -> String {
    match pattern.strip_suffix('*') {
        Some("" | "/") => "/".to_owned(),
        Some(prefix) if !prefix.contains('*') => prefix.to_owned(),
        None if !pattern.contains('*') => format!("= {pattern}"),
        _ => {
            let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
            format!("~ ^{}$", parts.join(".*"))
        }
    }
}

/// A duration as Go writes it, in milliseconds: `1m30s`, `500ms`, also a number of nanoseconds.
pub(in crate::source::config) fn duration_ms(text: &str) -> Option<u64> {
    if let Ok(nanos) = text.parse::<u64>() {
        return Some(nanos / 1_000_000);
    }
    let mut rest = text;
    let mut total = 0_f64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let (number, tail) = rest.split_at_checked(digits)?;
        let number: f64 = number.parse().ok()?;
        let units = [
            ("ms", 1.0),
            ("us", 0.001),
            ("µs", 0.001),
            ("ns", 0.000_001),
            ("s", 1e3),
            ("m", 6e4),
            ("h", 3.6e6),
            ("d", 8.64e7),
        ];
        let (unit, factor) = units.iter().find(|(unit, _)| tail.starts_with(unit))?;
        total += number * factor;
        rest = tail.get(unit.len()..)?;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    let millis = (0.0..9e15).contains(&total).then_some(total as u64);
    millis.filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        let one = |dial: &Dial| {
            let address = dial.address.as_ref().map_or_else(|| "?".to_owned(), Address::to_string);
            format!("{address}{}", if dial.tls { " tls" } else { "" })
        };
        dials(text, false).iter().map(one).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn every_form_of_an_upstream_is_read() {
        let table = [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("localhost:3000", "localhost:3000"),
            (":9000", "localhost:9000"),
            ("https://api.lan", "api.lan:443 tls"),
            ("http://api.lan", "api.lan:80"),
            ("h2c://10.0.0.1:81", "10.0.0.1:81"),
            ("unix//run/a.sock", "unix:/run/a.sock"),
            ("unix+h2c//run/a.sock", "unix:/run/a.sock"),
            ("[::1]:80", "[::1]:80"),
            ("app:8001-8003", "app:8001,app:8002,app:8003"),
            ("{env.APP}", "?"),
            ("{http.request.host}:80", "?"),
            ("tcp/10.0.0.1:80", "10.0.0.1:80"),
            ("a b:1", "?"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn the_key_of_a_site_says_where_it_listens() {
        let of = |text: &str| {
            let key = key(text, 80, 443, true);
            format!("{} {}", key.host, key.listens.join(","))
        };
        let table = [
            ("shop.lan", "shop.lan 443 ssl,80"),
            ("http://shop.lan", "shop.lan 80"),
            (":8080", " 8080"),
            ("http://:8080", " 8080"),
            ("shop.lan:8443", "shop.lan 8443 ssl"),
            ("https://shop.lan/x", "shop.lan 443 ssl"),
            ("http://127.0.0.1:81", "127.0.0.1 81"),
            ("*.lan", "*.lan 443 ssl,80"),
        ];
        for (text, expected) in table {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn patterns_and_times_are_translated() {
        let table =
            [("/a/*", "/a/"), ("/a", "= /a"), ("*", "/"), ("*.php", r"~ ^.*\.php$"), ("/a*", "/a")];
        for (text, expected) in table {
            assert_eq!(location(text), expected);
        }
        assert_eq!(duration_ms("1m30s"), Some(90_000));
        assert_eq!(duration_ms("1.5s"), Some(1_500));
        assert_eq!(duration_ms("2000000000"), Some(2_000));
        assert_eq!((duration_ms("x"), duration_ms(""), duration_ms("5")), (None, None, Some(0)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}", form in "[a-z0-9:/.+*{}\\[\\]-]{0,40}") {
            for text in [text, form] {
                prop_assert!(dials(&text, true).len() <= 1_001);
                let _ = (key(&text, 80, 443, true), location(&text), duration_ms(&text));
            }
        }
    }
}
