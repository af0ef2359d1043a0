//! Gateways in a row: an upstream whose socket another gateway of this host holds.

use crate::{evidence::CaseFile, observation::Gateway};

use super::chain::{Chain, Peer};

/// The gateway of this host into which an upstream leads, if any; never the one that it belongs to.
pub fn inner_gateway<'a>(case: &'a CaseFile, chain: &Chain<'_>) -> Option<&'a Gateway> {
    behind(case, chain).find(|gateway| gateway.id != chain.gateway.id)
}

/// The gateway of this host into which an upstream leads, be it the same one again on another port.
pub fn next_gateway<'a>(case: &'a CaseFile, chain: &Chain<'_>) -> Option<&'a Gateway> {
    behind(case, chain).next()
}

fn behind<'a>(case: &'a CaseFile, chain: &Chain<'_>) -> impl Iterator<Item = &'a Gateway> {
    let leads = |gateway: &&Gateway| chain.peers.iter().any(|peer| serves(gateway, peer));
    case.gateways.values().filter(|gateway| gateway.running).filter(leads)
}

/// Whether a gateway stands behind a peer: by its container, or by the processes that hold the
/// socket.
fn serves(gateway: &Gateway, peer: &Peer<'_>) -> bool {
    if let Some(inside) = &gateway.container {
        return peer.container.is_some_and(|container| container.id == *inside);
    }
    let own = |pid: &u32| gateway.master == Some(*pid) || gateway.workers.contains(pid);
    let listens = peer.listener.is_some_and(|listener| listener.pids.iter().any(own));
    listens || peer.processes.iter().any(|process| own(&process.pid))
}
