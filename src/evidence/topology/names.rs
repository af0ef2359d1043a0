//! From a configured address to the socket addresses behind it now.

use std::net::SocketAddr;

use crate::{
    evidence::CaseFile,
    observation::{Address, ConfiguredUpstream, Gateway, ResolutionOutcome, Text},
};

use super::{behind, index::Index};

/// What an upstream's address amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    /// Socket addresses, at least one.
    Known(Vec<Address>),
    /// Its name does not resolve.
    Unresolvable,
    /// A variable decides it; these are those that error lines name.
    Variable(Vec<Address>),
    /// No answer yet, and the gateway waits longer than we do.
    Slow,
    /// Not looked up yet.
    Pending,
}

/// Addresses of an upstream: literal, or by the newest lookups (the gateway's own resolver first).
pub(super) fn addresses(
    case: &CaseFile,
    gateway: &Gateway,
    upstream: &ConfiguredUpstream,
    index: &Index<'_>,
) -> Addresses {
    match &upstream.address {
        None => Addresses::Variable(index.unnamed(&gateway.id)),
        // A container that does not run, by its labels: there is nothing to look up.
        Some(address) if upstream.container.is_some() => Addresses::Known(vec![address.clone()]),
        Some(Address::Name { host, port }) => named(case, gateway, upstream, host, *port),
        Some(address) => Addresses::Known(vec![address.clone()]),
    }
}

fn named(
    case: &CaseFile,
    gateway: &Gateway,
    upstream: &ConfiguredUpstream,
    host: &Text,
    port: u16,
) -> Addresses {
    let own = upstream.per_request && upstream.resolver.is_some();
    let lookups = case
        .resolutions
        .range((host.clone(), None)..)
        .take_while(|((name, _), _)| name == host)
        .filter(|((_, server), _)| server.is_some() == own)
        .map(|(_, dated)| &dated.value.outcome);
    let mut seen = false;
    let mut failed = false;
    let mut found = Vec::new();
    for outcome in lookups {
        seen = true;
        failed |= *outcome != ResolutionOutcome::TimedOut || !upstream.outwaits_us();
        if let ResolutionOutcome::Found(ips) = outcome {
            for ip in ips {
                let address = Address::Tcp(SocketAddr::new(*ip, port));
                if !found.contains(&address) {
                    found.push(address);
                }
            }
        }
    }
    // Docker's embedded resolver answers only inside its networks; the API knows the same names.
    if found.is_empty() && gateway.container.is_some() {
        for container in case.containers.values() {
            if container.is_named(host) {
                found.extend(
                    container.ips.iter().map(|(_, ip)| Address::Tcp(SocketAddr::new(*ip, port))),
                );
            }
        }
    }
    // A container that does not run has no address and no name any more, and yet it is the one
    // that is meant.
    if found.is_empty() && behind::stopped_namesake(case, gateway, host).is_some() {
        found.push(Address::Name { host: host.clone(), port });
    }
    match (found.is_empty(), seen) {
        (false, _) => Addresses::Known(found),
        (true, true) if failed => Addresses::Unresolvable,
        (true, true) => Addresses::Slow,
        (true, false) => Addresses::Pending,
    }
}
