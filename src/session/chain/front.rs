//! The links before the socket: gateway, route, upstream.

use crate::{
    evidence::topology::Chain,
    observation::{Address, Gateway},
    session::{Shown, page::Tone, rows},
};

use super::{Link, LinkState};

/// Names of a server that are listed.
const NAMES: usize = 3;
/// Addresses that are listed.
const ADDRESSES: usize = 4;

pub(super) fn gateway(shown: &Shown<'_>, gateway: &Gateway) -> Link {
    let version = gateway.version.as_ref().map(|v| format!(" {v}")).unwrap_or_default();
    let link = Link::new("gateway", format!("{}{version}", gateway.kind.as_str()));
    let mut link = if !gateway.running {
        link.is(LinkState::Broken, "not running")
    } else if gateway.workers.is_empty() {
        link.is(LinkState::Broken, "without a worker")
    } else {
        link.is(LinkState::Good, "running")
    };
    if let Some(pid) = gateway.master {
        let workers = gateway.workers.len();
        let s = if workers == 1 { "" } else { "s" };
        link.fact(format!("pid {pid}, {workers} worker{s}"));
    }
    if let Some(home) = rows::home(shown, &gateway.id) {
        link.fact(format!("of {home}"));
    } else if let Some(unit) = &gateway.unit {
        link.fact(unit.to_string());
    }
    let config = shown.case.configs.get(&gateway.id);
    if config.and_then(|config| config.modified).is_some_and(|at| gateway.missed(at)) {
        link.toned(Tone::Warn, "its files changed and were not loaded");
    }
    link.toned(Tone::Muted, gateway.config.to_string());
    link
}

pub(super) fn route(chain: &Chain<'_>) -> Link {
    let routes = &chain.upstream.routes;
    let Some(route) = routes.first() else {
        return Link::new("route", "no route uses it").is(LinkState::Absent, "none");
    };
    let names: Vec<String> =
        route.server_names.iter().take(NAMES).map(ToString::to_string).collect();
    let mut head = names.join(" ");
    if head.trim().is_empty() {
        "any name".clone_into(&mut head);
    }
    let more = route.server_names.len().saturating_sub(NAMES);
    if more > 0 {
        head = format!("{head} +{more}");
    }
    let word = match routes.len() {
        1 => "configured".to_owned(),
        n => format!("{n} routes"),
    };
    let mut link = Link::new("route", head).is(LinkState::Good, word);
    if !route.location.is_empty() {
        link.fact(format!("location {}", route.location));
    }
    let listens: Vec<String> = route.listens.iter().take(NAMES).map(ToString::to_string).collect();
    if !listens.is_empty() {
        link.toned(Tone::Muted, format!("listens on {}", listens.join(", ")));
    }
    link.toned(Tone::Muted, route.place.to_string());
    if routes.len() > 1 {
        link.toned(Tone::Muted, format!("and {} more: Enter", routes.len() - 1));
    }
    link
}

pub(super) fn upstream(chain: &Chain<'_>) -> Link {
    let upstream = chain.upstream;
    let address = upstream.address.as_ref();
    let head = address.map_or_else(|| upstream.written.to_string(), ToString::to_string);
    let link = Link::new("upstream", head);
    let named = matches!(address, Some(Address::Name { .. }));
    let mut link = match (chain.peers.is_empty(), chain.state) {
        (true, crate::evidence::topology::PeerState::Down) => {
            link.is(LinkState::Broken, "does not resolve")
        }
        (true, _) => link.is(LinkState::Unknown, "not known"),
        (false, _) if upstream.params.down => link.is(LinkState::Strained, "marked down"),
        (false, _) if named => link.is(LinkState::Good, "resolves"),
        (false, _) => link.is(LinkState::Good, "configured"),
    };
    if chain.peers.is_empty() {
        link.toned(Tone::Warn, chain.reason);
    }
    if named && !chain.peers.is_empty() {
        let all: Vec<String> =
            chain.peers.iter().take(ADDRESSES).map(|p| p.address.to_string()).collect();
        let more = chain.peers.len().saturating_sub(ADDRESSES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        link.fact(format!("is {}{more}", all.join(", ")));
    }
    let group = upstream.group.as_ref().filter(|_| upstream.group_size > 1);
    match group {
        Some(group) => {
            let size = upstream.group_size;
            link.fact(format!("{} in group {group} of {size}", upstream.protocol.as_str()));
        }
        None => link.fact(format!("speaks {}", upstream.protocol.as_str())),
    }
    if upstream.params.backup {
        link.fact("only when the others are down");
    }
    link.toned(Tone::Muted, upstream.place.to_string());
    link
}
