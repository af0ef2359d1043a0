//! Two that are made for one address: the one that came second gave up, and the first one answers.

use crate::{
    diagnosis::Scene,
    evidence::{
        LogFact,
        topology::{Chain, Peer},
    },
    observation::{Address, Claim},
};

/// Where one that says that its address is in use would serve, and somebody else does whom requests
/// fail at. `lines` are what it said, `claims` what is known of its addresses, and `own` tells a
/// socket of its own. Of a pair of which one half serves well, nothing is wrong.
pub(super) fn contested<'s, 'a>(
    scene: &'s Scene<'a>,
    lines: impl DoubleEndedIterator<Item = &'s LogFact>,
    claims: &[Claim],
    own: impl Fn(&Peer<'a>) -> bool,
) -> Option<(&'s Chain<'a>, &'s Peer<'a>, &'s LogFact)> {
    let line = lines.rev().next()?;
    let wants = |address: &Address| match complained_of(line) {
        Some(told) => is_same(&told, address),
        None => claims.iter().any(|claim| is_same(&claim.address, address)),
    };
    let held = |peer: &Peer<'a>| {
        peer.listener.is_some() && (peer.program.is_some() || peer.unit.is_some()) && !own(peer)
    };
    let (chain, peer) = scene
        .peers()
        .filter(|(_, peer)| held(peer) && wants(&peer.address))
        .find(|(chain, _)| fails(scene, chain))?;
    Some((chain, peer, line))
}

/// The address in a line that complains.
fn complained_of(line: &LogFact) -> Option<Address> {
    let told = |key: &str| line.captures.get(key).map(|text| text.raw().to_owned());
    let port = told("port").map(|port| format!("{}:{port}", told("host").unwrap_or_default()));
    let text = told("addr").or(port).or_else(|| told("path"))?;
    let bare = text.trim_start_matches("unix:");
    if bare.starts_with('/') {
        return Address::parse(&format!("unix:{bare}"), 0);
    }
    let port = text.rsplit(':').next()?.parse().ok()?;
    Address::parse(&format!("127.0.0.1:{port}"), port)
}

/// Whether two that bind both get in each other's way: the same port, or the same path.
fn is_same(one: &Address, other: &Address) -> bool {
    match (one.path(), other.path()) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.port().is_some() && one.port() == other.port(),
        _ => false,
    }
}

/// Whether requests through a chain fail: by a line of its gateway, or by its answer alone.
fn fails(scene: &Scene<'_>, chain: &Chain<'_>) -> bool {
    scene.failing_lately(&[chain.index])
        || scene.case.access.entries.iter().any(|entry| {
            entry.at >= scene.incident.window
                && entry.status >= 500
                && super::upstream_sent_5xx::senders(scene, entry)
                    .iter()
                    .any(|sender| sender.index == chain.index)
        })
}
