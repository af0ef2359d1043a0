//! What rows about upstreams share.

use crate::{
    diagnosis::{FindingSubject, Scene},
    evidence::topology::Chain,
    observation::{GatewayKind, Origin, Protocol},
};

/// Of each row so many upstreams are judged.
pub(super) const MOST: usize = 12;

/// How an upstream is called in the checklist: by its group where it has one.
pub(super) fn whom(chain: &Chain<'_>) -> String {
    let upstream = chain.upstream;
    let name = upstream.group.as_ref().unwrap_or(&upstream.written);
    format!("upstream {name}")
}

/// Where it is configured.
pub(super) fn place(chain: &Chain<'_>) -> Origin {
    Origin::Config(chain.upstream.place.clone())
}

/// One chain for each name, those first that a finding speaks of.
pub(super) fn distinct<'s, 'a>(
    scene: &'s Scene<'a>,
    blamed: Option<&FindingSubject>,
) -> Vec<&'s Chain<'a>> {
    let mut named: Vec<(String, &Chain<'a>)> = scene
        .chains
        .iter()
        .map(|chain| (format!("{} {}", chain.gateway.id, whom(chain)), chain))
        .collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named.dedup_by(|a, b| a.0 == b.0);
    let mut all: Vec<&Chain<'a>> = named.into_iter().map(|(_, chain)| chain).collect();
    all.sort_by_key(|chain| {
        !blamed.is_some_and(|subject| subject.upstreams.contains(&chain.upstream.id))
    });
    all.truncate(MOST);
    all
}

/// The members of the same group, itself included.
pub(super) fn members<'s, 'a>(
    scene: &'s Scene<'a>,
    chain: &Chain<'_>,
) -> impl Iterator<Item = &'s Chain<'a>> + use<'s, 'a> {
    let (gateway, group, id) =
        (chain.gateway.id.clone(), chain.upstream.group.clone(), chain.upstream.id.clone());
    scene.chains.iter().filter(move |other| {
        other.gateway.id == gateway
            && (other.upstream.id == id || (group.is_some() && other.upstream.group == group))
    })
}

/// Which family of nginx's directives an upstream is passed to by.
pub(super) const fn family(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Fastcgi => "fastcgi",
        Protocol::Uwsgi => "uwsgi",
        Protocol::Scgi => "scgi",
        Protocol::Grpc | Protocol::Grpcs => "grpc",
        _ => "proxy",
    }
}

/// The line that sets how long a gateway waits for an answer.
pub(super) fn read_timeout(kind: GatewayKind, protocol: Protocol, secs: u64) -> String {
    match (kind, protocol) {
        (GatewayKind::Nginx, Protocol::Tcp | Protocol::Tls) => format!("proxy_timeout {secs}s;"),
        (GatewayKind::Nginx, _) => format!("{}_read_timeout {secs}s;", family(protocol)),
        (GatewayKind::Apache, _) => format!("ProxyTimeout {secs}"),
        (GatewayKind::Haproxy, _) => format!("timeout server {secs}s"),
        (GatewayKind::Caddy, _) => format!("response_header_timeout {secs}s"),
        (GatewayKind::Traefik, _) => format!("responseHeaderTimeout: {secs}s"),
        (GatewayKind::Envoy, _) => format!("timeout: {secs}s"),
    }
}
