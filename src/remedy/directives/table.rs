//! The directives.

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A time limit towards the upstream.
    Limit,
    /// The first buffer: one response header must fit into it.
    First,
    /// Number and size of buffers.
    Buffers,
    /// What may be busy with sending.
    Busy,
    /// Largest request body; 0 for none.
    Body,
    /// A number from 1.
    Count,
    /// Where requests are passed to.
    Pass,
}

/// One directive, for each family where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    /// Its name without the family, or whole.
    pub(super) name: &'static str,
    /// Whether it exists with `proxy_`, `fastcgi_`, `uwsgi_` and `scgi_`.
    pub(super) family: bool,
    /// What its value is.
    pub(super) kind: Kind,
    /// Default, as nginx documents it.
    pub(super) default: &'static str,
    /// What it is, and what it is not.
    pub(super) words: &'static str,
}

const fn of(
    name: &'static str,
    family: bool,
    kind: Kind,
    default: &'static str,
    words: &'static str,
) -> Directive {
    Directive { name, family, kind, default, words }
}

/// Families: what a `*_pass` directive and its settings begin with.
pub(super) const FAMILIES: [&str; 4] = ["proxy", "fastcgi", "uwsgi", "scgi"];

/// Those that matter (<https://nginx.org/en/docs/http/ngx_http_proxy_module.html>,
/// `ngx_http_core_module`, `ngx_core_module`).
const ALL: [Directive; 11] = [
    of(
        "connect_timeout",
        true,
        Kind::Limit,
        "60s",
        "until a connection stands; 504 when it runs out, never a cure for \"refused\"",
    ),
    of(
        "read_timeout",
        true,
        Kind::Limit,
        "60s",
        "between two reads, not for the whole answer; 504 when it runs out",
    ),
    of(
        "send_timeout",
        true,
        Kind::Limit,
        "60s",
        "between two writes of the request; 504 when it runs out",
    ),
    of(
        "buffer_size",
        true,
        Kind::First,
        "one memory page (4k or 8k)",
        "one whole response header must fit into it; goes together with buffers and \
         busy_buffers_size",
    ),
    of("buffers", true, Kind::Buffers, "8 of one memory page", "for each connection"),
    of(
        "busy_buffers_size",
        true,
        Kind::Busy,
        "twice the larger buffer",
        "at least the first buffer, at most all buffers but one",
    ),
    of("pass", true, Kind::Pass, "none", "where requests are passed to"),
    of(
        "client_max_body_size",
        false,
        Kind::Body,
        "1m",
        "larger request bodies get 413; 0 lifts the limit",
    ),
    of(
        "worker_connections",
        false,
        Kind::Count,
        "512",
        "for each worker, those to upstreams included",
    ),
    of("keepalive", false, Kind::Count, "none", "idle connections to the group, for each worker"),
    of(
        "keepalive_timeout",
        false,
        Kind::Limit,
        "75s",
        "towards clients; in an upstream block 60s, which must be shorter than the application's",
    ),
];

/// A directive and its family.
pub(super) fn known(name: &str) -> Option<(&'static Directive, Option<&'static str>)> {
    if let Some(found) = ALL.iter().find(|d| !d.family && d.name == name) {
        return Some((found, None));
    }
    let (family, rest) = FAMILIES
        .iter()
        .find_map(|family| Some((*family, name.strip_prefix(family)?.strip_prefix('_')?)))?;
    ALL.iter().find(|d| d.family && d.name == rest).map(|found| (found, Some(family)))
}
