//! `upstream` blocks and the addresses in them.

use std::collections::HashMap;

use crate::observation::{Address, ProblemKind, Resolver, ServerParams, Text};

use super::{
    include::Problems,
    scope::Scope,
    tree::{Directive, Directives, Tree},
    values,
};

/// One `server` line of a group.
#[derive(Clone, Debug)]
pub(super) struct Peer<'t> {
    pub(super) directive: Directive<'t>,
    pub(super) address: Option<Address>,
    pub(super) written: Text,
    pub(super) params: ServerParams,
}

/// An `upstream` block.
#[derive(Clone, Debug)]
pub(super) struct Group<'t> {
    pub(super) name: Text,
    pub(super) peers: Vec<Peer<'t>>,
    pub(super) keepalive: u32,
    pub(super) resolver: Option<Resolver>,
}

/// Groups by name in lower case: nginx compares them without case.
pub(super) type Groups<'t> = HashMap<Vec<u8>, Group<'t>>;

/// Collects the groups of an `http` or `stream` block. `keepalive` is the default of the version.
pub(super) fn collect<'t>(
    tree: &'t Tree,
    block: Directives<'t>,
    stream: bool,
    keepalive: u32,
    problems: &mut Problems,
) -> Groups<'t> {
    let mut groups = Groups::new();
    for directive in block.filter(|d| *d.name() == *b"upstream") {
        let Some(name) = directive.arg(0).filter(|_| directive.has_block()) else {
            problems.add(ProblemKind::Syntax, directive.place(), "upstream without name or block");
            continue;
        };
        let key = name.to_ascii_lowercase();
        if groups.contains_key(&key) {
            let what = format!("duplicate upstream \"{}\"", Text::from_bytes(&name).raw());
            problems.add(ProblemKind::Syntax, directive.place(), what);
            continue;
        }
        let mut group = group(directive, &name, stream, keepalive, problems);
        let scope = Scope::default().enter(directive.block(), stream, problems);
        group.resolver = scope.resolver(tree);
        groups.insert(key, group);
    }
    groups
}

fn group<'t>(
    directive: Directive<'t>,
    name: &[u8],
    stream: bool,
    keepalive: u32,
    problems: &mut Problems,
) -> Group<'t> {
    let mut group =
        Group { name: Text::from_bytes(name), peers: Vec::new(), keepalive, resolver: None };
    let mut script = None;
    for line in directive.block() {
        let keyword = line.name();
        match &*keyword {
            b"server" => group.peers.extend(peer(line, stream, problems)),
            b"keepalive" => {
                let count = line.arg(0).and_then(|arg| values::number(&arg));
                match count.and_then(|n| u32::try_from(n).ok()) {
                    Some(count) => group.keepalive = count,
                    None => problems.add(
                        ProblemKind::Syntax,
                        line.place(),
                        "invalid value in \"keepalive\" directive",
                    ),
                }
            }
            _ if keyword.starts_with(b"balancer_by_lua") => script = Some(line),
            _ => {}
        }
    }
    if let Some(script) = script {
        // The `server` lines are placeholders then.
        problems.add(ProblemKind::Unknown, script.place(), "a script chooses the peer");
        group.peers.truncate(1);
        for peer in &mut group.peers {
            peer.address = None;
        }
    } else if group.peers.is_empty() {
        let what = format!("no servers are inside upstream \"{}\"", group.name.raw());
        problems.add(ProblemKind::Syntax, directive.place(), what);
    }
    group
}

fn peer<'t>(line: Directive<'t>, stream: bool, problems: &mut Problems) -> Option<Peer<'t>> {
    let Some(written) = line.arg(0) else {
        problems.add(ProblemKind::Syntax, line.place(), "server without an address");
        return None;
    };
    let address = match address(&written, (!stream).then_some(80), true) {
        Ok(address) => Some(address),
        Err(bad) => {
            problems.add(bad.kind, line.place(), bad.what);
            None
        }
    };
    let mut peer = Peer {
        directive: line,
        address,
        written: Text::from_bytes(&written),
        params: ServerParams::default(),
    };
    for arg in line.args().skip(1) {
        parameter(&mut peer, &arg, problems);
    }
    Some(peer)
}

fn parameter(peer: &mut Peer<'_>, arg: &[u8], problems: &mut Problems) {
    let params = &mut peer.params;
    let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let mut split = arg.splitn(2, |b| *b == b'=');
    let (key, value) = (split.next().unwrap_or_default(), split.next());
    let count = value.and_then(values::number).map(narrow);
    let good = match (key, value) {
        (b"backup", None) => set(&mut params.backup, Some(true)),
        (b"down", None) => set(&mut params.down, Some(true)),
        (b"resolve", None) => set(&mut params.resolve, Some(true)),
        (b"weight", Some(_)) => set(&mut params.weight, count),
        (b"max_fails", Some(_)) => set(&mut params.max_fails, count),
        (b"max_conns", Some(_)) => set(&mut params.max_conns, count),
        (b"fail_timeout", Some(v)) => {
            set(&mut params.fail_timeout_secs, values::time_ms(v).map(|ms| ms / 1_000))
        }
        (b"drain", None) | (b"slow_start" | b"route" | b"sid" | b"id" | b"srun_id", Some(_)) => {
            true
        }
        (b"service", Some(_)) => {
            // The port comes from an SRV record.
            peer.address = None;
            false
        }
        _ => false,
    };
    if !good {
        let what = format!("parameter \"{}\" is not understood", Text::from_bytes(arg).raw());
        problems.add(ProblemKind::Unknown, peer.directive.place(), what);
    }
}

fn set<T>(slot: &mut T, value: Option<T>) -> bool {
    let good = value.is_some();
    if let Some(value) = value {
        *slot = value;
    }
    good
}

/// Why an address was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadAddress {
    pub(super) kind: ProblemKind,
    pub(super) what: &'static str,
}

/// An address as written, without scheme and URI. `whole` says that a colon belongs to the path
/// of a unix socket (in `server` lines no URI can follow).
pub(super) fn address(
    text: &[u8],
    default_port: Option<u16>,
    whole: bool,
) -> Result<Address, BadAddress> {
    let bad = |what| BadAddress { kind: ProblemKind::Syntax, what };
    if let Some(path) = text.strip_prefix(b"unix:") {
        let path = if whole { path } else { path.split(|b| *b == b':').next().unwrap_or(path) };
        if path.is_empty() {
            return Err(bad("no path in the unix domain socket"));
        }
        return Ok(Address::unix(Text::from_bytes(path)));
    }
    let text = std::str::from_utf8(text).map_err(|_| bad("invalid host in upstream"))?;
    let after_host = text.rsplit_once(']').map_or(text, |(_, tail)| tail);
    match after_host.split_once(':') {
        None if default_port.is_none() => return Err(bad("no port in upstream")),
        Some((_, port)) if !port.parse::<u16>().is_ok_and(|port| port != 0) => {
            return Err(bad("invalid port in upstream"));
        }
        _ => {}
    }
    let address = Address::parse(text, default_port.unwrap_or(0));
    let unknown = BadAddress { kind: ProblemKind::Unknown, what: "the address is not understood" };
    match address {
        Some(address) => Ok(address),
        None if text.is_empty() || text.starts_with(':') => Err(bad("no host in upstream")),
        None => Err(unknown),
    }
}
