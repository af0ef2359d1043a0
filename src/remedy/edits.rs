//! Which lines of which file an edit changes, read off a finding and the configuration. What cannot
//! be told for certain is left to a person.

use std::collections::BTreeSet;

use crate::{
    diagnosis::Finding,
    observation::{
        Address, ConfiguredUpstream, GatewayId, GatewayKind, Origin, Place, Protocol, Text,
        UpstreamId,
    },
};

use super::{Action, Change, ConfigTest, FileEdit, propose::Bench};

/// Bytes of a response header that gateways are set to after it did not fit.
const HEADER: u64 = 128 * 1024;

/// Whether what is edited is the application's own configuration and not the gateway's.
pub(super) fn is_of_unit(finding: &Finding) -> bool {
    finding.cause.starts_with("app-")
}

/// The line at which a person would begin.
pub(super) fn place(finding: &Finding) -> Option<Place> {
    if is_of_unit(finding) {
        return None;
    }
    finding.evidence.iter().rev().find_map(|evidence| match &evidence.origin {
        Origin::Config(place) => Some(place.clone()),
        _ => None,
    })
}

/// The edits that cure a finding, `None` when that is for a person to say.
pub(super) fn edits(bench: &Bench<'_>) -> Option<Vec<Action>> {
    let all = match bench.finding.cause {
        "upstream-port-wrong"
        | "upstream-addr-family"
        | "upstream-bind-interface"
        | "unix-socket-path-mismatch" => address(bench)?,
        "tls-to-plain-port" => scheme(bench, in_clear),
        "tls-plain-to-https" => scheme(bench, in_tls),
        "response-header-too-big" if is_nginx(bench) => header_buffer(bench),
        "app-config-invalid" => refused_line(bench)?,
        _ => return None,
    };
    (!all.is_empty()).then(|| all.into_iter().map(Action::EditFile).collect())
}

/// Whether the gateway of a finding reads nginx's directives.
fn is_nginx(bench: &Bench<'_>) -> bool {
    let kind = bench.finding.subject.gateway.as_ref().and_then(GatewayId::kind);
    kind.is_none_or(|kind| kind == GatewayKind::Nginx)
}

fn upstreams<'a>(
    bench: &Bench<'a>,
) -> impl Iterator<Item = (&'a GatewayId, &'a ConfiguredUpstream)> {
    let ids: &'a [UpstreamId] = &bench.finding.subject.upstreams;
    bench.case.configs.iter().flat_map(move |(gateway, config)| {
        let own = config.upstreams.iter().filter(move |u| ids.contains(&u.id));
        own.map(move |upstream| (gateway, upstream))
    })
}

fn edit(bench: &Bench<'_>, gateway: &GatewayId, file: &Text, change: Change) -> FileEdit {
    let root = bench.case.gateways.get(gateway).map(|g| g.root.clone()).unwrap_or_default();
    let test = Some(ConfigTest::of_gateway(gateway));
    FileEdit { file: file.clone(), root, change, test }
}

/// Every line that names an upstream's address: its `server` line, or each pass directive.
fn lines_that_name(upstream: &ConfiguredUpstream) -> BTreeSet<&Place> {
    if upstream.group.is_some() {
        return BTreeSet::from([&upstream.place]);
    }
    upstream.routes.iter().map(|route| &route.place).chain([&upstream.place]).collect()
}

/// The address that answers is written where the other one stands.
fn address(bench: &Bench<'_>) -> Option<Vec<FileEdit>> {
    let right = bench.finding.instead.as_ref()?;
    let mut all = Vec::new();
    for (gateway, upstream) in upstreams(bench) {
        let (written, put) = replacement(gateway.kind()?, upstream, right)?;
        if written.is_empty() || written.contains('$') || put == written {
            return None;
        }
        for place in lines_that_name(upstream) {
            let change =
                Change::Replace { line: place.line, find: written.to_owned(), put: put.clone() };
            all.push(edit(bench, gateway, &place.file, change));
        }
    }
    Some(all)
}

/// What is found in the lines of an upstream and what is put there, in its gateway's own way of
/// naming a socket; `None` where one word does not say it.
fn replacement<'u>(
    kind: GatewayKind,
    upstream: &'u ConfiguredUpstream,
    right: &Address,
) -> Option<(&'u str, String)> {
    let written = upstream.written.raw();
    let (path, from_socket) = (right.path(), upstream.address.as_ref()?.path().is_some());
    match kind {
        GatewayKind::Nginx => Some((authority(written), rewritten(upstream, right)?)),
        // `unix:PATH|SCHEME://HOST/URI` and `SCHEME://HOST:PORT/URI`.
        GatewayKind::Apache => match (path, written.split_once('|').filter(|_| from_socket)) {
            (Some(path), Some((socket, _))) => Some((socket, format!("unix:{path}"))),
            (None, Some((_, url))) => {
                let (scheme, rest) = url.split_once("://")?;
                let host = rest.split('/').next().unwrap_or(rest);
                let end = written.len() - rest.len() + host.len();
                let put = format!("{scheme}://{}", rewritten(upstream, right)?);
                Some((written.get(..end)?, put))
            }
            (Some(path), None) => {
                let (scheme, _) = written.split_once("://")?;
                let end = scheme.len() + "://".len() + authority(written).len();
                Some((written.get(..end)?, format!("unix:{path}|{scheme}://localhost")))
            }
            (None, None) => Some((authority(written), rewritten(upstream, right)?)),
        },
        // `unix//run/app.sock`, `unix+h2c//run/app.sock`.
        GatewayKind::Caddy => match (path, from_socket) {
            (Some(path), false) if !written.contains("://") => {
                Some((written, format!("unix/{path}")))
            }
            (Some(path), true) if written.starts_with("unix//") => {
                Some((written, format!("unix/{path}")))
            }
            (None, true) if written.starts_with("unix//") => {
                Some((written, rewritten(upstream, right)?))
            }
            (None, false) => Some((authority(written), rewritten(upstream, right)?)),
            _ => None,
        },
        GatewayKind::Haproxy => match (path, from_socket) {
            (Some(path), _) => Some((written, format!("unix@{path}"))),
            (None, true) => Some((written, rewritten(upstream, right)?)),
            (None, false) => Some((authority(written), rewritten(upstream, right)?)),
        },
        GatewayKind::Traefik | GatewayKind::Envoy => match (path, from_socket) {
            (None, false) => Some((authority(written), rewritten(upstream, right)?)),
            _ => None,
        },
    }
}

/// The part of an address as written that names where to connect: without scheme and URI.
fn authority(written: &str) -> &str {
    // Apache writes `unix:PATH|SCHEME://HOST/`.
    if let Some((socket, _)) = written.split_once('|').filter(|(s, _)| s.starts_with("unix:")) {
        return socket;
    }
    let rest = written.split_once("://").map_or(written, |(_, rest)| rest);
    match rest.strip_prefix("unix:") {
        // The path of a socket ends at the colon before the URI.
        Some(path) => {
            let end = path.find(':').map_or(rest.len(), |at| at + "unix:".len());
            rest.get(..end).unwrap_or(rest)
        }
        None => rest.split('/').next().unwrap_or(rest),
    }
}

/// An address in the words of the configuration. A listener on all addresses is reached by the
/// address that was written; only the port changes.
fn rewritten(upstream: &ConfiguredUpstream, right: &Address) -> Option<String> {
    match (right, upstream.address.as_ref()?) {
        (Address::Unix(path), _) => Some(format!("unix:{}", path.raw())),
        (Address::Tcp(to), Address::Tcp(from)) if to.ip().is_unspecified() => {
            if to.is_ipv4() == from.is_ipv4() {
                Some(std::net::SocketAddr::new(from.ip(), to.port()).to_string())
            } else if from.ip().is_loopback() {
                let local = if to.is_ipv4() { "127.0.0.1" } else { "[::1]" };
                Some(format!("{local}:{}", to.port()))
            } else {
                None
            }
        }
        (Address::Tcp(to), Address::Name { host, port })
            if to.ip().is_unspecified() && to.port() != *port =>
        {
            Some(format!("{}:{}", host.raw(), to.port()))
        }
        (Address::Tcp(to), _) if !to.ip().is_unspecified() => Some(to.to_string()),
        _ => None,
    }
}

/// The scheme that stands there and the one that should, to what speaks in clear.
const fn in_clear(protocol: Protocol) -> Option<(&'static str, &'static str)> {
    match protocol {
        Protocol::Https => Some(("https://", "http://")),
        Protocol::Grpcs => Some(("grpcs://", "grpc://")),
        _ => None,
    }
}

/// The same to what speaks TLS.
const fn in_tls(protocol: Protocol) -> Option<(&'static str, &'static str)> {
    match protocol {
        Protocol::Http => Some(("http://", "https://")),
        Protocol::Grpc => Some(("grpc://", "grpcs://")),
        _ => None,
    }
}

/// The gateway speaks as the upstream does: in clear, or in TLS.
fn scheme(
    bench: &Bench<'_>,
    change: fn(Protocol) -> Option<(&'static str, &'static str)>,
) -> Vec<FileEdit> {
    let mut all = Vec::new();
    for (gateway, upstream) in upstreams(bench) {
        let Some((find, put)) = change(upstream.protocol) else { continue };
        let written = upstream.written.raw().contains(find);
        if !written && gateway.kind() != Some(GatewayKind::Nginx) {
            continue;
        }
        let places: BTreeSet<&Place> = upstream.routes.iter().map(|route| &route.place).collect();
        for place in places {
            let change =
                Change::Replace { line: place.line, find: find.to_owned(), put: put.to_owned() };
            all.push(edit(bench, gateway, &place.file, change));
        }
    }
    all
}

/// Directives of one family, by protocol.
const fn family(protocol: Protocol) -> Option<(&'static str, &'static str)> {
    match protocol {
        Protocol::Http | Protocol::Https => Some(("proxy", "proxy_pass")),
        Protocol::Fastcgi => Some(("fastcgi", "fastcgi_pass")),
        Protocol::Uwsgi => Some(("uwsgi", "uwsgi_pass")),
        Protocol::Scgi => Some(("scgi", "scgi_pass")),
        _ => None,
    }
}

/// A larger header buffer, where requests are passed on. `*_busy_buffers_size` must hold the header
/// buffer and leave one of `*_buffers` free
/// (<https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_busy_buffers_size>).
fn header_buffer(bench: &Bench<'_>) -> Vec<FileEdit> {
    let mut all = Vec::new();
    for (gateway, upstream) in upstreams(bench) {
        let Some((family, pass)) = family(upstream.protocol) else { continue };
        // A buffer that somebody has set already, and that is still too small, is for a person.
        if upstream.header_buffer.place.is_some() || upstream.header_buffer.value >= HEADER {
            continue;
        }
        let places: BTreeSet<&Place> = upstream.routes.iter().map(|route| &route.place).collect();
        for place in places {
            let kib = HEADER / 1024;
            let change = Change::After {
                line: place.line,
                directive: pass.to_owned(),
                add: vec![
                    format!("{family}_buffer_size {kib}k;"),
                    format!("{family}_buffers 8 {kib}k;"),
                    format!("{family}_busy_buffers_size {}k;", kib * 2),
                ],
            };
            all.push(edit(bench, gateway, &place.file, change));
        }
    }
    all
}

/// The line that php-fpm names is taken out: it was refused, so nothing was in force by it.
fn refused_line(bench: &Bench<'_>) -> Option<Vec<FileEdit>> {
    let unit = bench.unit_seen()?;
    let facts = bench.case.logs.facts.iter().rev();
    let own = facts.filter(|fact| fact.signature.as_str() == "app-config-invalid");
    let mut own = own.filter(|fact| match &fact.origin {
        Origin::Journal(name) => *name == unit.name,
        _ => unit.name.as_str().contains("fpm"),
    });
    let (file, line, holds) = own.find_map(|fact| {
        let file = fact.captures.get("in")?.clone();
        let line: u32 = fact.captures.get("line")?.raw().parse().ok()?;
        let entry = fact.text.raw().split_once("unknown entry '")?.1;
        let entry = entry.split('\'').next().filter(|entry| !entry.is_empty())?;
        Some((file, line, entry.to_owned()))
    })?;
    let change = Change::Comment { line, holds, mark: ';' };
    let test = Some(ConfigTest::PhpFpm { unit: unit.name.clone() });
    Some(vec![FileEdit { file, root: Text::default(), change, test }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::Host;

    /// What an edit makes of an address as it is written, as the whole word afterwards.
    fn becomes(kind: GatewayKind, written: &str, stands: &str, right: &str) -> Option<String> {
        let host = Host::new().upstream_with(stands, |u| u.written = written.into());
        let case = host.case();
        let upstream = case.configs.values().flat_map(|config| &config.upstreams).next()?;
        let right = Address::parse(right, 80)?;
        let (find, put) = replacement(kind, upstream, &right)?;
        assert!(written.contains(find), "{find} of {written}");
        Some(written.replacen(find, &put, 1))
    }

    #[test]
    fn every_gateway_gets_a_socket_in_its_own_words() {
        use GatewayKind::{Apache, Caddy, Envoy, Haproxy, Nginx, Traefik};
        let (tcp, old, new) = ("127.0.0.1:9000", "unix:/run/old.sock", "unix:/run/new.sock");
        let table = [
            (Nginx, "http://unix:/run/old.sock:/x", old, new, "http://unix:/run/new.sock:/x"),
            (Nginx, "127.0.0.1:9000", tcp, new, "unix:/run/new.sock"),
            (
                Apache,
                "unix:/run/old.sock|fcgi://localhost/srv",
                old,
                new,
                "unix:/run/new.sock|fcgi://localhost/srv",
            ),
            (
                Apache,
                "fcgi://127.0.0.1:9000/srv/www/",
                tcp,
                new,
                "unix:/run/new.sock|fcgi://localhost/srv/www/",
            ),
            (
                Apache,
                "unix:/run/old.sock|http://localhost/x",
                old,
                "127.0.0.1:8080",
                "http://127.0.0.1:8080/x",
            ),
            (Apache, "http://127.0.0.1:9000/x", tcp, "127.0.0.1:8080", "http://127.0.0.1:8080/x"),
            (Caddy, "unix//run/old.sock", old, new, "unix//run/new.sock"),
            (Caddy, "127.0.0.1:9000", tcp, new, "unix//run/new.sock"),
            (Caddy, "unix//run/old.sock", old, "127.0.0.1:8080", "127.0.0.1:8080"),
            (Haproxy, "127.0.0.1:9000", tcp, new, "unix@/run/new.sock"),
            (Haproxy, "/run/old.sock", old, new, "unix@/run/new.sock"),
            (Traefik, "http://127.0.0.1:9000", tcp, "127.0.0.1:8080", "http://127.0.0.1:8080"),
        ];
        for (kind, written, stands, right, expected) in table {
            let found = becomes(kind, written, stands, right);
            assert_eq!(found.as_deref(), Some(expected), "{kind:?} {written}");
        }
        // What takes more than a word is for a person.
        assert_eq!(becomes(Envoy, "127.0.0.1:9000", tcp, new), None);
        assert_eq!(becomes(Traefik, "http://127.0.0.1:9000", tcp, new), None);
        assert_eq!(becomes(Caddy, "http://127.0.0.1:9000", tcp, new), None);
    }
}
