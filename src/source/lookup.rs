//! Name lookups made as a gateway makes them, for the sources that need them.

use std::{net::SocketAddr, time::Duration};

use tokio::time::timeout;

use crate::{
    host::{connect::From, files::Root, resolve},
    observation::{Address, NetNs, ResolutionOutcome},
    session::{GatewayView, Target},
};

/// Most servers asked of one `resolver` directive.
const MOST_SERVERS: usize = 4;
/// Port of the name service.
const DNS: u16 = 53;

/// From where a gateway's sockets start: inside its namespace when that is not ours.
pub(super) fn from_of(gateway: Option<&GatewayView>, own: NetNs) -> From {
    match gateway.map(|g| (g.pid, g.netns)) {
        Some((Some(pid), Some(netns))) if netns != own => From::Inside { pid, netns },
        _ => From::Here,
    }
}

/// The gateway's own resolution outside its `resolver`: the host's, or that of its container.
pub(super) async fn own(
    gateway: Option<&GatewayView>,
    host: &str,
    own: NetNs,
    deadline: Duration,
) -> ResolutionOutcome {
    let contained = gateway.filter(|g| g.container.is_some() && !g.root.is_empty());
    match contained {
        Some(gateway) => {
            let root = Root::new(gateway.root.raw());
            let lookup = resolve::by_root(root, host, from_of(Some(gateway), own), deadline);
            timeout(deadline, lookup).await.unwrap_or(ResolutionOutcome::TimedOut)
        }
        None => resolve::by_host(host, deadline).await,
    }
}

/// Servers that a target's `resolver` names by address, when names are looked up per request.
pub(super) fn servers(target: &Target) -> Vec<SocketAddr> {
    let resolver = target.resolver.iter().filter(|_| target.per_request);
    let address = |address: &Address| match address {
        Address::Tcp(server) if server.port() == 0 => Some(SocketAddr::new(server.ip(), DNS)),
        Address::Tcp(server) => Some(*server),
        _ => None,
    };
    resolver.flat_map(|r| r.servers.iter().filter_map(address)).take(MOST_SERVERS).collect()
}
