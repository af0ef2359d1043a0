//! An upstream: every link of its chain.

use crate::{
    evidence::topology::{Chain, Listening, Peer, chain_of},
    observation::{Access, ProbeOutcome, SocketFileKind, UpstreamId},
    session::{
        Shown,
        page::{Block, Page, Tone},
    },
};

/// Routes and peers listed.
const SHOWN: usize = 40;

pub(super) fn page(shown: &Shown<'_>, id: &UpstreamId) -> Option<Page> {
    let row = shown.diagnosis.upstreams.iter().find(|r| r.id == *id)?;
    let mut page = Page::new(format!("Upstream {}", row.address));
    let tone = match row.state {
        "up" => Tone::Good,
        "down" => Tone::Bad,
        _ => Tone::Warn,
    };
    page.toned("state", tone, format!("{}: {}", row.state, row.reason));
    page.entry("gateway", row.gateway.to_string());
    page.entry("speaks", row.protocol.as_str());
    page.entry("configured", row.place.to_string());
    if let Some(group) = &row.group {
        page.entry("group", group.to_string());
    }
    page.entry("error lines", format!("{} in this incident", row.errors));
    if let Some(chain) = &chain_of(shown.case, &row.gateway, id) {
        configured(&mut page, chain);
        for peer in chain.peers.iter().take(SHOWN) {
            link_by_link(&mut page, peer);
        }
        used_by(&mut page, chain);
    }
    Some(page)
}

fn configured(page: &mut Page, chain: &Chain<'_>) {
    let upstream = chain.upstream;
    let params = &upstream.params;
    if upstream.group_size > 1 {
        let text = format!(
            "{} peers; this one: weight {}, set aside for {} s after {} failures",
            upstream.group_size, params.weight, params.fail_timeout_secs, params.max_fails
        );
        page.entry("balancing", text);
    }
    let set = |s: &crate::observation::Setting<u64>| {
        let place = s.place.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
        format!("{} s ({place})", s.value / 1_000)
    };
    page.entry("connect", format!("within {}", set(&upstream.timeouts.connect)));
    page.entry("answer", format!("within {}", set(&upstream.timeouts.read)));
    if chain.peers.is_empty() {
        page.heading("Addresses");
        page.text(Tone::Warn, format!("none known: {}", chain.reason));
    }
}

fn link_by_link(page: &mut Page, peer: &Peer<'_>) {
    page.heading(format!("Address {}", peer.address));
    page.entry("verdict", peer.reason);
    if let Some(probe) = peer.probe {
        let (tone, words) = probe_words(&probe.outcome);
        let whence = if probe.same_namespace { "" } else { ", not from the gateway's own network" };
        page.toned("connect", tone, format!("{words} after {} µs{whence}", probe.micros));
    }
    if let Some(socket) = peer.socket {
        let kind = match socket.kind {
            SocketFileKind::Missing => "nothing stands at the path",
            SocketFileKind::ParentMissing => "its directory does not exist",
            SocketFileKind::Socket => "a socket",
            SocketFileKind::Other => "not a socket",
            SocketFileKind::Hidden => "may not be looked at",
        };
        let access = match &socket.access {
            Access::Allowed => "the worker may connect".to_owned(),
            Access::SocketDenied => "the worker may not write to it".to_owned(),
            Access::DirectoryDenied(path) => format!("the worker may not enter {path}"),
            Access::Unknown => "access cannot be told".to_owned(),
        };
        page.entry("file", kind);
        if socket.kind == SocketFileKind::Socket {
            let owner =
                format!("{:o} {}:{}, {access}", socket.mode & 0o7777, socket.uid, socket.gid);
            page.entry("access", owner);
        }
    }
    let (tone, listening) = match peer.listening {
        Listening::Yes => (Tone::Good, "a socket listens"),
        Listening::No => (Tone::Bad, "nothing listens"),
        Listening::Unknown => (Tone::Muted, "cannot be seen from here"),
    };
    page.toned("listener", tone, listening);
    if let Some((queue, limit)) = peer.listener.and_then(|l| l.queue.zip(l.backlog)) {
        let tone = if peer.queue_full() { Tone::Bad } else { Tone::Plain };
        page.toned("queue", tone, format!("{queue} of {limit} connections wait"));
    }
    for process in peer.processes.iter().take(4) {
        page.entry("process", format!("pid {} {}: {}", process.pid, process.name, process.command));
    }
    if let Some(unit) = peer.unit {
        page.entry("unit", unit.name.to_string());
    }
    if let Some(container) = peer.container {
        page.entry("container", format!("{} ({})", container.name, container.image));
    }
    missing_links(page, peer);
}

fn missing_links(page: &mut Page, peer: &Peer<'_>) {
    for candidate in &peer.candidates {
        let name = match (candidate.unit, candidate.container) {
            (Some(unit), _) => unit.name.to_string(),
            (None, Some(container)) => format!("container {}", container.name),
            (None, None) => continue,
        };
        let why = candidate.claim.map_or_else(
            || "it is the only one left".to_owned(),
            |claim| format!("{} says so", claim.origin),
        );
        page.toned("should be", Tone::Warn, format!("{name}: {why}"));
    }
    for near in peer.nearby.iter().take(4) {
        let who = near.process.map(|p| format!(" ({})", p.name)).unwrap_or_default();
        page.entry("close by", format!("{}{who} listens", near.listener.address));
    }
}

fn used_by(page: &mut Page, chain: &Chain<'_>) {
    page.heading("Used by");
    for route in chain.upstream.routes.iter().take(SHOWN) {
        let names: Vec<String> = route.server_names.iter().map(ToString::to_string).collect();
        let text = format!("{} location {}", names.join(" "), route.location);
        page.blocks.push(Block::Event('·', Tone::Muted, None, text, route.place.to_string()));
    }
    let more = chain.upstream.routes.len().saturating_sub(SHOWN);
    if more > 0 {
        page.text(Tone::Muted, format!("and {more} more"));
    }
}

/// What came of a connect, in words.
pub(crate) fn probe_words(outcome: &ProbeOutcome) -> (Tone, String) {
    let bad = |words: &str| (Tone::Bad, words.to_owned());
    match outcome {
        ProbeOutcome::Connected => (Tone::Good, "connected".to_owned()),
        ProbeOutcome::Refused => bad("refused"),
        ProbeOutcome::NoSuchFile => bad("no such file"),
        ProbeOutcome::Denied => bad("permission denied"),
        ProbeOutcome::QueueFull => bad("the queue is full"),
        ProbeOutcome::TimedOut => bad("no answer"),
        ProbeOutcome::HostUnreachable => bad("no route to host"),
        ProbeOutcome::NetworkUnreachable => bad("network unreachable"),
        ProbeOutcome::ClosedAtOnce => bad("closed at once: a port forwarder with nobody behind"),
        ProbeOutcome::Other(errno) => (Tone::Bad, format!("errno {errno}")),
        ProbeOutcome::Skipped(why) => (Tone::Muted, format!("not tried: {why}")),
    }
}
