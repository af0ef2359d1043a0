//! The ways out of a network namespace: routes, and connections that stand still.

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, SocketAddr},
};

use super::{connect::From, connections, netlink, netns};
use crate::observation::{NetNs, RouteOutcome, Ways};

/// Most addresses asked about.
pub const MOST: usize = 1_024;

/// Looks at the ways to some addresses; blocking, for as long as the kernel answers.
///
/// # Errors
/// What socket(2), setns(2) or the kernel say.
pub fn ways(from: From, own: NetNs, to: &BTreeSet<SocketAddr>) -> io::Result<Ways> {
    let hosts: BTreeSet<IpAddr> = to.iter().map(SocketAddr::ip).take(MOST).collect();
    let ask = move || -> io::Result<Vec<(IpAddr, RouteOutcome)>> {
        hosts.into_iter().map(|ip| Ok((ip, netlink::route(ip)?))).collect()
    };
    let (netns, process, routes) = match from {
        From::Here => (own, "self".to_owned(), ask()?),
        From::Inside { pid, netns } => (netns, pid.to_string(), netns::inside(pid, netns, ask)?),
    };
    let stalled = connections::stalled(&process, to).unwrap_or_default();
    Ok(Ways { netns, routes, stalled })
}
