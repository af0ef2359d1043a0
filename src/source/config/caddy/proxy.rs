//! What Caddy's two languages say of a reverse proxy, in one shape.

use crate::{
    observation::{
        Address, HealthCheck, Place, ProblemKind, Protocol, Route, Setting, Text, Timeouts,
        UpstreamTls,
    },
    source::config::reading::{Reading, blank},
};

use super::address::{Dial, dials};

/// How long Caddy tries to connect (`HTTPTransport`), in milliseconds.
const DIAL_MS: u64 = 3_000;

/// One proxy with its upstreams.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the configuration of its own")]
pub(super) struct Proxy {
    pub(super) place: Place,
    /// Upstreams as written, with their own places.
    pub(super) targets: Vec<(String, Place)>,
    pub(super) fastcgi: bool,
    pub(super) tls: bool,
    pub(super) insecure: bool,
    pub(super) facts: UpstreamTls,
    pub(super) connect: Option<Setting<u64>>,
    pub(super) read: Option<Setting<u64>>,
    pub(super) write: Option<Setting<u64>>,
    pub(super) header_buffer: Option<Setting<u64>>,
    pub(super) check: Option<HealthCheck>,
    pub(super) check_port: Option<u16>,
    /// Upstreams are set aside for this long after failures; 0 for never.
    pub(super) fail_secs: u64,
    pub(super) max_fails: Option<u32>,
    /// Where upstreams are looked up at run time.
    pub(super) dynamic: bool,
}

impl Proxy {
    /// Keeps its upstreams with the route that leads to them.
    pub(super) fn keep(self, route: &Route, reading: &mut Reading<'_>) {
        let mut found: Vec<(Dial, String, Place)> = Vec::new();
        for (text, place) in &self.targets {
            for dial in dials(text, self.tls) {
                if dial.address.is_none() && !dial.open {
                    let what = format!("\"{text}\" is no address");
                    reading.problems.add(ProblemKind::Syntax, place.clone(), what);
                }
                found.push((dial, text.clone(), place.clone()));
            }
        }
        if found.is_empty() {
            let what = if self.dynamic {
                "upstreams are looked up at run time"
            } else {
                "this proxy has no upstream"
            };
            reading.problems.add(ProblemKind::Unknown, self.place.clone(), what);
        }
        let size = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let name = self.place.file.raw().rsplit('/').next().unwrap_or_default();
        let group = (size > 1).then(|| Text::new(format!("{name}:{}", self.place.line)));
        for (dial, written, place) in found {
            let protocol = match (self.fastcgi, dial.tls) {
                (true, _) => Protocol::Fastcgi,
                (_, true) => Protocol::Https,
                _ => Protocol::Http,
            };
            let mut upstream = blank(&place, &written, dial.address.clone(), protocol);
            upstream.group.clone_from(&group);
            upstream.group_size = size;
            // Go looks a name up for each connection.
            upstream.per_request = dial.open || matches!(dial.address, Some(Address::Name { .. }));
            upstream.tls_verify = protocol.is_tls() && !self.insecure;
            upstream.tls = UpstreamTls { sends_name: protocol.is_tls(), ..self.facts.clone() };
            upstream.timeouts = Timeouts {
                connect: self.connect.clone().unwrap_or(Setting { value: DIAL_MS, place: None }),
                send: self.write.clone().unwrap_or_default(),
                read: self.read.clone().unwrap_or_default(),
            };
            // Go's own limit of an answer's header.
            let limit = Setting { value: 10 << 20, place: None };
            upstream.header_buffer = self.header_buffer.clone().unwrap_or(limit);
            upstream.params.fail_timeout_secs = self.fail_secs;
            if self.fail_secs > 0 {
                upstream.params.max_fails = self.max_fails.unwrap_or(1);
            }
            upstream.params.check = self.check.clone().map(|mut check| {
                check.address =
                    self.check_port.and_then(|port| moved(dial.address.as_ref()?, port));
                Box::new(check)
            });
            upstream.routes = vec![route.clone()];
            reading.upstream(upstream);
        }
    }
}

/// The same host at another port, if that is another address.
fn moved(address: &Address, port: u16) -> Option<Address> {
    let at = match address {
        Address::Tcp(addr) => Address::Tcp((addr.ip(), port).into()),
        Address::Name { host, .. } => Address::Name { host: host.clone(), port },
        Address::Unix(_) => return None,
    };
    (at != *address).then_some(at)
}
