//! The way from the gateway to what it asks.

use crate::{
    evidence::topology::Listening,
    observation::{
        Access, FirewallVerdict, ProbeOutcome, ResolutionOutcome, SocketFileKind, SourceId,
        TlsAnswer,
    },
};

use super::{
    Measured,
    sight::{Sight, Tally},
};

pub(super) fn address(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for chain in &sight.chains {
        let (written, place) = (&chain.upstream.written, &chain.upstream.place);
        for peer in &chain.peers {
            let at = format!("{written} ({place})");
            match peer.listening {
                Listening::Yes => {
                    let who = peer.processes.first();
                    let who =
                        who.map(|p| format!(" by {} ({})", p.name, p.pid)).unwrap_or_default();
                    tally.good(format!("{at}: served at {}{who}", peer.address));
                }
                Listening::No => {
                    let near: Vec<String> = peer
                        .nearby
                        .iter()
                        .take(3)
                        .map(|n| n.listener.address.to_string())
                        .collect();
                    let near = if near.is_empty() {
                        "and nothing close by".to_owned()
                    } else {
                        format!("close by: {}", near.join(", "))
                    };
                    tally.bad(format!("{at}: nobody listens at {}, {near}", peer.address));
                }
                Listening::Unknown => {
                    tally.note(format!("{at}: {} is not on this host", peer.address));
                }
            }
        }
    }
    if let Some(instead) = sight.finding.and_then(|f| f.instead.as_ref()) {
        tally.bad(format!("the address that answers is {instead}"));
    }
    tally.command(&["ss", "-ltnp"]);
    tally.measured("the configuration names no address")
}

pub(super) fn reachable(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for peer in sight.chains.iter().flat_map(|chain| &chain.peers) {
        let at = peer.address.to_string();
        let Some(probe) = peer.probe else {
            tally.unknown(format!("{at}: not tried yet"));
            continue;
        };
        let whence = if probe.same_namespace { "" } else { ", not from the gateway's own network" };
        match &probe.outcome {
            ProbeOutcome::Connected => tally.good(format!("{at}: connected{whence}")),
            ProbeOutcome::Skipped(why) => tally.unknown(format!("{at}: not tried, {why}")),
            other => tally.bad(format!("{at}: {}{whence}", outcome(other))),
        }
    }
    tally.command(&["ss", "-ltn"]);
    tally.measured("there is nothing to connect to")
}

fn outcome(outcome: &ProbeOutcome) -> String {
    match outcome {
        ProbeOutcome::Connected => "connected".to_owned(),
        ProbeOutcome::Refused => "refused (111)".to_owned(),
        ProbeOutcome::NoSuchFile => "no such file (2)".to_owned(),
        ProbeOutcome::Denied => "permission denied (13)".to_owned(),
        ProbeOutcome::QueueFull => "the queue is full (11)".to_owned(),
        ProbeOutcome::TimedOut => "no answer (110)".to_owned(),
        ProbeOutcome::HostUnreachable => "no route to host (113)".to_owned(),
        ProbeOutcome::NetworkUnreachable => "network unreachable (101)".to_owned(),
        ProbeOutcome::ClosedAtOnce => "closed at once: nobody behind the forwarder".to_owned(),
        ProbeOutcome::Other(errno) => format!("errno {errno}"),
        ProbeOutcome::Skipped(why) => format!("not tried, {why}"),
    }
}

pub(super) fn socket(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let mut path = None;
    for file in sight.chains.iter().flat_map(|c| &c.peers).filter_map(|peer| peer.socket) {
        path = Some(file.path.to_string());
        let rights = format!("{:04o} {}:{}", file.mode & 0o7777, file.uid, file.gid);
        match (file.kind, &file.access) {
            (SocketFileKind::Missing, _) => tally.bad(format!("{}: not there (2)", file.path)),
            (SocketFileKind::ParentMissing, _) => {
                tally.bad(format!("{}: its folder is not there (2)", file.path));
            }
            (SocketFileKind::Other, _) => tally.bad(format!("{}: no socket (111)", file.path)),
            (SocketFileKind::Hidden, _) | (_, Access::Unknown) => {
                tally.unknown(format!("{}: cannot be looked at from here", file.path));
            }
            (SocketFileKind::Socket, Access::Allowed) => {
                tally.good(format!("{}: {rights}, the worker may connect", file.path));
            }
            (SocketFileKind::Socket, Access::SocketDenied) => {
                tally.bad(format!("{}: {rights}, the worker may not write to it (13)", file.path));
            }
            (SocketFileKind::Socket, Access::DirectoryDenied(folder)) => {
                tally.bad(format!("{}: the worker may not pass {folder} (13)", file.path));
            }
        }
    }
    match path {
        Some(path) => tally.command(&["namei", "-l", &path]),
        None => tally.command(&["ss", "-lxp"]),
    }
    tally.measured("no upstream is a unix socket")
}

pub(super) fn queue(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for peer in sight.chains.iter().flat_map(|chain| &chain.peers) {
        let Some((queue, limit)) = peer.listener.and_then(|l| l.queue.zip(l.backlog)) else {
            continue;
        };
        let text = format!("{}: {queue} of {limit} connections wait", peer.address);
        let filling = queue > 0 && queue.saturating_mul(2) > limit;
        tally.judge(!peer.queue_full() && !filling, text);
    }
    tally.command(&["ss", "-ltnx"]);
    tally.measured("no queue can be seen: nothing listens here")
}

pub(super) fn tls(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let mut at = None;
    for chain in sight.chains.iter().filter(|chain| chain.upstream.protocol.is_tls()) {
        for peer in &chain.peers {
            at = Some(peer.address.to_string());
            let address = &peer.address;
            match peer.probe.and_then(|probe| probe.tls.as_ref()) {
                Some(TlsAnswer::Tls) => tally.good(format!("{address}: answers with TLS")),
                Some(TlsAnswer::PlainHttp) => {
                    tally.bad(format!("{address}: answers in clear, and TLS is spoken to it"));
                }
                Some(TlsAnswer::Alert(code)) => {
                    tally.bad(format!("{address}: refuses the greeting with alert {code}"));
                }
                Some(TlsAnswer::Closed) => tally.bad(format!("{address}: closes at the greeting")),
                Some(TlsAnswer::Silent) => tally.bad(format!("{address}: silent")),
                Some(TlsAnswer::Other(bytes)) => {
                    tally.bad(format!("{address}: answers with something else: {bytes}"));
                }
                None => tally.unknown(format!("{address}: not greeted yet")),
            }
        }
    }
    match at {
        Some(at) => tally.command(&["openssl", "s_client", "-connect", &at]),
        None => tally.command_of(sight.shows_config()),
    }
    tally.measured("TLS is spoken to no upstream")
}

pub(super) fn names(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    let mut host = None;
    for ((name, server), resolution) in &sight.case.resolutions {
        host = Some(name.to_string());
        let whom = server.map_or_else(|| "this host".to_owned(), |server| server.to_string());
        match &resolution.value.outcome {
            ResolutionOutcome::Found(ips) if !ips.is_empty() => {
                let ips: Vec<String> = ips.iter().take(4).map(ToString::to_string).collect();
                tally.good(format!("{name}: {} ({whom})", ips.join(", ")));
            }
            ResolutionOutcome::Found(_) => tally.bad(format!("{name}: no address ({whom})")),
            ResolutionOutcome::NxDomain => tally.bad(format!("{name}: no such name ({whom})")),
            ResolutionOutcome::ServerFailure(why) => {
                tally.bad(format!("{name}: {whom} answered {why}"));
            }
            ResolutionOutcome::TimedOut => tally.bad(format!("{name}: {whom} is silent")),
        }
    }
    match host {
        Some(host) => tally.command(&["getent", "ahosts", &host]),
        None => tally.command_of(sight.shows_config()),
    }
    tally.measured("the configuration holds addresses, no names")
}

pub(super) fn firewall(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    for rule in sight.case.firewall.values().flat_map(|table| &table.rules) {
        let does = match rule.verdict {
            FirewallVerdict::Drop => "drops (504)",
            FirewallVerdict::Reject => "rejects (502)",
        };
        let n = rule.packets.map(|n| format!(", {n} packets so far")).unwrap_or_default();
        tally.bad(format!("{} {does}: {}{n}", rule.chain, rule.text));
    }
    if let Some(blind) = sight.blind(SourceId::Firewall) {
        tally.unknown(blind);
    } else if tally.is_empty() && sight.case.heard.contains_key(&SourceId::Firewall) {
        tally.good("no rule of this host hits the way to an upstream");
        tally.note("rules of a cloud or of another host cannot be seen from here");
    }
    tally.command(&["nft", "list", "ruleset"]);
    tally.measured("packet filters have not been looked at yet")
}
