//! What a line of any gateway's own log says of a request, in one shape.

use super::{
    apache_line,
    go_line::{self, GoLine},
    haproxy_line::{self, HaproxyLine},
    nginx_line,
    nginx_line::Phase,
};
use crate::observation::{Address, Program, Protocol, Text};

/// A line of a gateway about one of its requests. Every text is hostile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayLine {
    /// What happened, without stamp and level.
    pub message: Text,
    /// The backend's address, when the line says it.
    pub address: Option<Address>,
    /// The system's error number.
    pub errno: Option<i32>,
    /// What the gateway was doing.
    pub phase: Option<Phase>,
    /// Method and URI of the request, or its path alone.
    pub request: Option<Text>,
    /// The virtual host.
    pub server: Option<Text>,
    /// What helps to find the backend of a line that does not name it.
    pub hint: Option<Hint>,
}

/// What a line without an address still tells of its backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Process and thread that wrote it: another line of theirs may name the address.
    pub thread: Option<(u32, Option<u64>)>,
    /// Its host.
    pub host: Option<Text>,
    /// What was spoken to it.
    pub protocols: Option<&'static [Protocol]>,
    /// Path of the request.
    pub path: Option<Text>,
    /// Whether the line is about a backend at all.
    pub about_backend: bool,
    /// The virtual host that was asked for.
    pub site: Option<Text>,
    /// The group and, where one was chosen, the server in it, by their names.
    pub member: Option<(Text, Option<Text>)>,
}

/// Takes a line apart; `None` for a program that is no gateway, and for what is none of its lines.
pub fn parse(program: Program, line: &str) -> Option<GatewayLine> {
    match program {
        Program::Nginx => nginx_line::parse(line).map(|read| GatewayLine {
            message: read.message,
            address: read.upstream_address,
            errno: read.errno,
            phase: read.phase,
            request: read.request,
            server: read.server,
            hint: None,
        }),
        Program::Apache => apache_line::parse(line).map(|read| GatewayLine {
            hint: Some(Hint {
                thread: read.thread,
                host: read.host.clone(),
                protocols: read.protocols(),
                path: read.path.clone(),
                about_backend: read.is_about_backend(),
                ..Hint::default()
            }),
            message: read.message,
            address: read.address,
            errno: read.errno,
            phase: read.phase,
            request: read.path,
            server: None,
        }),
        Program::Haproxy => haproxy_line::parse(line).map(of_haproxy),
        Program::Caddy => go_line::caddy(line).map(of_go),
        Program::Traefik => go_line::traefik(line).map(of_go),
        Program::Envoy => of_envoy(line),
        _ => None,
    }
}

fn of_haproxy(read: HaproxyLine) -> GatewayLine {
    let hint = |backend, server| Hint {
        about_backend: true,
        member: Some((backend, server)),
        ..Hint::default()
    };
    match read {
        HaproxyLine::Request(read) => GatewayLine {
            phase: read.phase(),
            request: Some(read.request).filter(|request| !request.is_empty()),
            hint: Some(hint(read.backend, read.server)),
            ..GatewayLine::default()
        },
        HaproxyLine::Event { backend, server, message } => {
            GatewayLine { message, hint: Some(hint(backend, server)), ..GatewayLine::default() }
        }
    }
}

fn of_go(read: GoLine) -> GatewayLine {
    let path = read.request.as_ref().and_then(|r| r.raw().split(' ').nth(1)).map(Text::new);
    GatewayLine {
        hint: Some(Hint {
            about_backend: read.status.is_some_and(|status| status >= 500),
            site: read.host.clone(),
            path,
            ..Hint::default()
        }),
        message: read.message,
        address: read.address,
        errno: read.errno,
        phase: read.phase,
        request: read.request,
        server: read.host,
    }
}

/// Envoy's default format ends with the upstream's address in quotes
/// (<https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage>).
fn of_envoy(line: &str) -> Option<GatewayLine> {
    let mut parts = line.split('"');
    let head = parts.next()?;
    let request = parts.next()?;
    if !head.starts_with('[') {
        return None;
    }
    let last = line.trim_end().strip_suffix('"').and_then(|rest| rest.rsplit('"').next());
    let address = last.filter(|text| text.contains([':', '/'])).and_then(|text| {
        let unix = text.starts_with('/').then(|| Address::unix(Text::new(text)));
        unix.or_else(|| Address::parse(text, 0)).filter(|a| a.port() != Some(0))
    });
    let mut words = request.split(' ');
    let method = words.next().unwrap_or_default();
    let path = words.next().unwrap_or_default().split('?').next().unwrap_or_default();
    Some(GatewayLine {
        address,
        request: (!path.is_empty()).then(|| Text::new(format!("{method} {path}"))),
        ..GatewayLine::default()
    })
}
